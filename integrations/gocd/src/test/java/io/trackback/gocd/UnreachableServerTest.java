package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A check that fails says why; a poll that fails ends soon, as it keeps one of GoCD's material threads. */
@Timeout(60)
class UnreachableServerTest {
    private static final CalledExtension IMPATIENT = new CalledExtension(new PackageRepositoryExtension(CalledExtension.IMPATIENT));

    private CalledExtension repository = CalledExtension.packageRepository();

    private static String body(String url) {
        return "{\"repository-configuration\":{\"TRACKBACK_URL\":{\"value\":\"" + url + "\"},\"TOKEN\":{\"value\":\"tb_x\"}}}";
    }

    /** What a check says; a poll says the same, and a validation finds nothing wrong with the configuration. */
    private String failureAt(String url) {
        String said = repository.ask("check-repository-connection", body(url)).failure();
        assertTrue(said.startsWith(url + ": "), said);
        assertEquals(said, repository.ask("latest-revision", body(url)).error());
        assertEquals(said, repository.ask("latest-revision-since", body(url)).error());
        assertEquals(new Reply(200, "[]"), repository.ask("validate-repository-configuration", body(url)));
        return said;
    }

    private static void assertSays(String expected, String said) {
        assertTrue(said.contains(expected), said);
    }

    @Test
    void aServerThatIsNotThere() throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        assertSays("the connection was refused. Does the trackback server run, and on this port?", failureAt("http://127.0.0.1:" + port));
    }

    @Test
    void aHostThatIsNotThere() {
        assertSays("finds no host named no-such-host.invalid. Check the URL, and the DNS", failureAt("http://no-such-host.invalid:5000"));
    }

    @Test
    void aHostThatDoesNotAnswerToConnections() throws IOException {
        repository = IMPATIENT;
        // A listener whose queue is full: the kernel drops what comes, as a firewall does.
        try (ServerSocket full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            List<Socket> queued = fill(full);
            assertSays("no connection within 500 ms. Is the host up, does a firewall", failureAt("http://127.0.0.1:" + full.getLocalPort()));
            for (Socket socket : queued) {
                socket.close();
            }
        }
    }

    @Test
    void httpsWhereNothingIsSaid() throws IOException {
        repository = IMPATIENT;
        try (Wire server = new Wire("", false)) {
            String said = failureAt(server.url().replace("http:", "https:"));
            assertSays("no secure connection within 500 ms. Is the host up, does a firewall", said);
            assertSays("and does the port speak https?", said);
        }
    }

    private static List<Socket> fill(ServerSocket listener) throws IOException {
        List<Socket> queued = new ArrayList<>();
        try {
            while (queued.size() < 100) {
                Socket socket = new Socket();
                queued.add(socket);
                socket.connect(listener.getLocalSocketAddress(), 300);
            }
        } catch (SocketTimeoutException full) {
            return queued;
        }
        throw new AssertionError("the queue of a listener is never full here");
    }

    @Test
    void aServerThatTakesTheRequestAndSaysNothing() throws IOException {
        repository = IMPATIENT;
        try (Wire server = new Wire("", false)) {
            assertSays("no complete answer within 600 ms. Is the server overloaded?", failureAt(server.url()));
        }
    }

    @Test
    void anAnswerThatBeginsAndNeverEnds() throws IOException {
        repository = IMPATIENT;
        try (Wire server = new Wire("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"revision\"", false)) {
            assertSays("no complete answer within 600 ms", failureAt(server.url()));
        }
    }

    @Test
    void anAnswerThatTricklesIsGivenUpAsAWhole() throws IOException {
        repository = IMPATIENT;
        try (StandIn server = new StandIn(exchange -> {
            exchange.sendResponseHeaders(200, 0);
            for (int i = 0; i < 100; i++) {
                exchange.getResponseBody().write(' ');
                exchange.getResponseBody().flush();
                pause(50);
            }
        })) {
            long start = System.nanoTime();
            assertSays("no complete answer within 600 ms", repository.ask("check-repository-connection", body(server.url())).failure());
            assertTrue(Duration.ofNanos(System.nanoTime() - start).toMillis() < 3000);
        }
    }

    @Test
    void anAnswerWithoutEndDoesNotFillGocdsMemory() throws IOException {
        try (StandIn server = new StandIn(exchange -> {
            exchange.sendResponseHeaders(200, 0);
            while (true) {
                exchange.getResponseBody().write(new byte[1 << 20]);
            }
        })) {
            String said = repository.ask("check-repository-connection", body(server.url())).failure();
            assertSays("answers what a trackback server would not: it has more than 67.1 MB. Is it one?", said);
            assertEquals(1, server.seen.size());
        }
    }

    private static void pause(int ms) throws IOException {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    @Test
    void aConnectionThatIsCut() throws IOException {
        try (Wire server = new Wire("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"revision\"", true)) {
            assertSays("the connection was cut before the answer was complete", failureAt(server.url()));
        }
    }

    /** A server closes what was idle for long, which a request may cross on its way. */
    @Test
    void aConnectionThatTheServerHasJustClosedIsNoFailure() throws IOException {
        AtomicInteger connections = new AtomicInteger();
        String answer = "HTTP/1.1 200 OK\r\nContent-Length: 37\r\n\r\n{\"status\":\"success\",\"messages\":[\"a\"]}";
        try (ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Thread server = new Thread(() -> {
                try {
                    while (true) {
                        Socket connection = listener.accept();
                        connections.incrementAndGet();
                        readRequest(connection);
                        connection.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
                        readRequest(connection); // the next one, which is not answered
                        connection.close();
                    }
                } catch (IOException closed) {
                    // The test has ended.
                }
            });
            server.setDaemon(true);
            server.start();
            String url = "http://127.0.0.1:" + listener.getLocalPort();
            for (int i = 0; i < 3; i++) {
                assertEquals("success", repository.ask("check-repository-connection", body(url)).object().get("status"));
            }
            assertEquals(3, connections.get());
        }
    }

    /** Head and body, which may come one by one. */
    private static void readRequest(Socket connection) throws IOException {
        StringBuilder request = new StringBuilder();
        while (!request.toString().endsWith("}}}")) {
            int next = connection.getInputStream().read();
            if (next < 0) {
                return;
            }
            request.append((char) next);
        }
    }

    @Test
    void aServerThatHangsUpAtOnce() throws IOException {
        try (Wire server = new Wire("", true)) {
            assertSays("the connection was cut before the answer was complete", failureAt(server.url()));
        }
    }

    @Test
    void aServerThatSpeaksNoHttp() throws IOException {
        try (Wire server = new Wire("SSH-2.0-OpenSSH_9.2\r\n", true)) {
            assertSays("what answers there speaks no HTTP (Invalid status line: \"SSH-2.0-OpenSSH_9.2\")", failureAt(server.url()));
        }
    }

    @Test
    void httpsWhereHttpIsSpoken() throws IOException {
        // What an HTTP server says to the first bytes of a secure connection.
        try (Wire server = new Wire("HTTP/1.1 400 Bad Request\r\n\r\n", true)) {
            String said = failureAt(server.url().replace("http:", "https:"));
            assertSays("no secure connection (TLS): ", said);
            assertSays("the port must be one that speaks https", said);
        }
    }

    @Test
    void aCertificateThatNobodyTrusts(@TempDir Path folder) throws Exception {
        HttpsServer server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(selfSigned(folder)));
        server.start();
        try {
            String said = failureAt("https://127.0.0.1:" + server.getAddress().getPort());
            assertSays("no secure connection (TLS): unable to find valid certification path", said);
            assertSays("must trust the certificate's issuer", said);
        } finally {
            server.stop(0);
        }
    }

    private static SSLContext selfSigned(Path folder) throws Exception {
        Path store = folder.resolve("keys.p12");
        Process keytool = new ProcessBuilder(
                System.getProperty("java.home") + "/bin/keytool", "-genkeypair", "-keyalg", "EC", "-dname", "CN=models",
                "-alias", "models", "-storepass", "changeit", "-keystore", store.toString())
                .inheritIO()
                .start();
        assertEquals(0, keytool.waitFor());
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream file = Files.newInputStream(store)) {
            keys.load(file, "changeit".toCharArray());
        }
        KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(keys, "changeit".toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        return context;
    }
}
