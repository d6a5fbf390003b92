import java.io.BufferedInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** A syslog server of Java's JSSE: one thread for each connection, one line for each octet-counted frame. */
public class Server {
    public static void main(String[] args) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys(args[1], args[2]).getKeyManagers(), trust(args[3]).getTrustManagers(), null);
        FileOutputStream output = new FileOutputStream(args[5], true);
        SSLServerSocket listener = (SSLServerSocket) context.getServerSocketFactory()
                .createServerSocket(Integer.parseInt(args[0]), 50, InetAddress.getByName("127.0.0.1"));
        listener.setNeedClientAuth(true);
        listener.setEnabledProtocols(new String[] {"TLSv" + args[4]});
        while (true) {
            SSLSocket socket = (SSLSocket) listener.accept();
            new Thread(() -> serve(socket, output)).start();
        }
    }

    private static void serve(SSLSocket socket, FileOutputStream output) {
        try (socket; InputStream input = new BufferedInputStream(socket.getInputStream())) {
            for (int length; (length = length(input)) >= 0; ) {
                byte[] line = new byte[length + 1];
                if (input.readNBytes(line, 0, length) < length) {
                    return;
                }
                line[length] = '\n';
                output.write(line);
            }
        } catch (IOException error) {
            System.err.println(error);
        }
    }

    private static int length(InputStream input) throws IOException {
        int length = 0;
        for (int octet; (octet = input.read()) != ' '; length = length * 10 + octet - '0') {
            if (octet < 0) {
                return -1;
            }
        }
        return length;
    }

    private static KeyManagerFactory keys(String certificate, String key) throws Exception {
        String pem = Files.readString(Path.of(key)).replaceAll("-----.*-----|\\s", "");
        PrivateKey secret = KeyFactory.getInstance("EC")
                .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry("server", secret, new char[0], certificates(certificate).toArray(new Certificate[0]));
        KeyManagerFactory factory = KeyManagerFactory.getInstance("SunX509");
        factory.init(store, new char[0]);
        return factory;
    }

    private static TrustManagerFactory trust(String ca) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        for (Certificate certificate : certificates(ca)) {
            store.setCertificateEntry("ca", certificate);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(store);
        return factory;
    }

    private static Collection<? extends Certificate> certificates(String file) throws Exception {
        try (InputStream input = Files.newInputStream(Path.of(file))) {
            return CertificateFactory.getInstance("X.509").generateCertificates(input);
        }
    }
}
