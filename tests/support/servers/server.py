"""A syslog server of Python's ssl module: one thread for each connection, one line for each octet-counted frame."""

import os
import socket
import ssl
import sys
import threading

port, certificate, key, ca, version, output = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.minimum_version = context.maximum_version = ssl.TLSVersion["TLSv" + version.replace(".", "_")]
context.load_cert_chain(certificate, key)
context.load_verify_locations(ca)
context.verify_mode = ssl.CERT_REQUIRED
file = os.open(output, os.O_WRONLY | os.O_APPEND)


def serve(connection):
    pending = b""
    try:
        with context.wrap_socket(connection, server_side=True) as session:
            while data := session.recv(16384):
                pending += data
                while b" " in pending:
                    length, rest = pending.split(b" ", 1)
                    if len(rest) < int(length):
                        break
                    frame, pending = rest[: int(length)], rest[int(length) :]
                    os.write(file, frame + b"\n")
    except OSError as error:
        print(error, file=sys.stderr)


with socket.create_server(("127.0.0.1", int(port))) as listener:
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
