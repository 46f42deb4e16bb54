package io.trackback.gocd;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** A server that lists files and serves them as trackback does, ranges too, until a test makes it misbehave. */
final class FileServer implements AutoCloseable {
    final StandIn http;
    final Map<String, byte[]> files = new LinkedHashMap<>();

    /** What the listing says of a path, where that is not the truth: size or sha256; null leaves it out. */
    final Map<String, Map<String, Object>> lies = new LinkedHashMap<>();

    /** Called before a file is served; true if it has answered. */
    Interference interference = (exchange, path, request) -> false;

    private final AtomicInteger requests = new AtomicInteger();

    interface Interference {
        /** request: how many files have been asked for, this one included. */
        boolean answers(HttpExchange exchange, String path, int request) throws IOException;
    }

    FileServer() throws IOException {
        http = new StandIn(this::answer);
    }

    private void answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        if (path.equals("/gocd/v1/task/files")) {
            StandIn.answer(exchange, 200, listing());
        } else {
            String name = path.substring("/files/".length());
            if (!interference.answers(exchange, name, requests.incrementAndGet())) {
                serve(exchange, files.get(name));
            }
        }
    }

    private String listing() {
        List<Map<String, Object>> listed = new ArrayList<>();
        files.forEach((path, content) -> {
            Map<String, Object> file = new LinkedHashMap<>();
            file.put("path", path);
            file.put("size", content.length);
            file.put("url", "/files/" + ServerAddress.escape(path));
            file.put("sha256", Content.sha256(content));
            file.putAll(lies.getOrDefault(path, Map.of()));
            file.values().removeIf(value -> value == null);
            listed.add(file);
        });
        return JsonWriter.write(Map.of("name", "models:/churn/7", "digest", "sha256:abc", "files", listed));
    }

    /** The file, or the part of it that was asked for. */
    static void serve(HttpExchange exchange, byte[] content) throws IOException {
        String range = exchange.getRequestHeaders().getFirst("Range");
        if (range == null) {
            StandIn.answer(exchange, 200, content);
            return;
        }
        int start = Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1"));
        if (start >= content.length) {
            StandIn.answer(exchange, 416, "");
            return;
        }
        exchange.getResponseHeaders().set("Content-Range", "bytes " + start + "-" + (content.length - 1) + "/" + content.length);
        StandIn.answer(exchange, 206, Content.from(content, start));
    }

    /** The first bytes of the file, and then the connection is cut. */
    static void serveSome(HttpExchange exchange, byte[] content, int bytes) throws IOException {
        exchange.sendResponseHeaders(200, content.length);
        exchange.getResponseBody().write(content, 0, bytes);
        exchange.getResponseBody().flush();
        throw new IOException("cut, as the test wants it");
    }

    /** The Range of each request for a file; "whole" for one without. */
    List<String> ranges() {
        return http.seen.stream()
                .filter(seen -> seen.path().startsWith("/files/"))
                .map(seen -> seen.headers().getOrDefault("Range", "whole"))
                .toList();
    }

    String url() {
        return http.url();
    }

    @Override
    public void close() {
        http.close();
    }
}
