// A syslog server of Node's tls module: one line for each octet-counted frame.

import fs from 'node:fs';
import tls from 'node:tls';

const [port, cert, key, ca, version, output] = process.argv.slice(2);
const file = fs.openSync(output, 'a');
const options = {
  cert: fs.readFileSync(cert),
  key: fs.readFileSync(key),
  ca: fs.readFileSync(ca),
  requestCert: true,
  rejectUnauthorized: true,
  minVersion: `TLSv${version}`,
  maxVersion: `TLSv${version}`,
};

function serve(socket) {
  let pending = Buffer.alloc(0);
  socket.on('data', (data) => {
    pending = Buffer.concat([pending, data]);
    for (;;) {
      const space = pending.indexOf(0x20);
      const end = space + 1 + Number(pending.toString('latin1', 0, Math.max(space, 0)));
      if (space < 0 || pending.length < end) break;
      fs.writeSync(file, Buffer.concat([pending.subarray(space + 1, end), Buffer.from('\n')]));
      pending = pending.subarray(end);
    }
  });
  socket.on('error', (error) => console.error(error.message));
}

tls.createServer(options, serve).on('tlsClientError', (error) => console.error(error.message)).listen(Number(port), '127.0.0.1');
