package io.trackback.gocd;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A server that answers each connection with the same bytes, HTTP or not, and then hangs up or keeps still. */
final class Wire implements AutoCloseable {
    private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());

    Wire(String bytes, boolean hangsUp) throws IOException {
        Thread thread = new Thread(() -> serve(bytes, hangsUp));
        thread.setDaemon(true);
        thread.start();
    }

    private void serve(String bytes, boolean hangsUp) {
        try {
            while (true) {
                Socket connection = listener.accept();
                connection.getInputStream().read(new byte[65536]);
                connection.getOutputStream().write(bytes.getBytes(StandardCharsets.ISO_8859_1));
                connection.getOutputStream().flush();
                if (hangsUp) {
                    connection.close();
                }
            }
        } catch (IOException closed) {
            // The test has ended.
        }
    }

    String url() {
        return "http://127.0.0.1:" + listener.getLocalPort();
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
