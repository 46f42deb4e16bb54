package io.trackback.gocd;

import java.io.FileNotFoundException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicLong;

/** One file on its way to the server. A PUT takes the place of what was there, so it may be repeated. */
final class Upload {
    final long size;

    private final String path;
    private final Path file;
    private final String sha256;

    Upload(String path, Path file, long size, String sha256) {
        this.path = path;
        this.file = file;
        this.size = size;
        this.sha256 = sha256;
    }

    /** As the server compares it with what has arrived. */
    Map<String, Object> listed() {
        Map<String, Object> listed = new LinkedHashMap<>();
        listed.put("path", path);
        listed.put("size", size);
        listed.put("sha256", sha256);
        return listed;
    }

    void run(TrackbackServer server, String uploadUrl, Progress progress, Console console) throws Failure {
        String url = uploadUrl.replaceAll("/+$", "") + "/" + ServerAddress.escape(path);
        // However far an attempt has come, the next begins anew: bytes sent are no progress.
        new Retries(server.patience(), console).run(path, () -> put(server, url, progress));
        progress.done(size);
    }

    private HttpResponse<String> put(TrackbackServer server, String url, Progress progress) throws Failure {
        AtomicLong sent = new AtomicLong();
        HttpRequest request = server.request(url)
                .header("Content-Type", "application/octet-stream")
                .PUT(counted(sent))
                .build();
        CompletableFuture<HttpResponse<String>> exchange =
                server.http().sendAsync(request, info -> new LimitedBody(1 << 20));
        try {
            HttpResponse<String> response =
                    new Transfer(server, sent::get, bytes -> progress.at(path, bytes)).await(exchange);
            if (response.statusCode() < 200 || response.statusCode() > 204) {
                String location = response.headers().firstValue("Location").orElse(null);
                throw server.refused(response.statusCode(), url, response.body(), location);
            }
            return response;
        } catch (ExecutionException e) {
            throw server.diagnosis().unreached(e.getCause(), server.patience());
        }
    }

    private HttpRequest.BodyPublisher counted(AtomicLong sent) throws Failure {
        try {
            return new Counted(HttpRequest.BodyPublishers.ofFile(file), sent);
        } catch (FileNotFoundException e) {
            throw DiskFailure.reading(file, e);
        }
    }

    /** A body whose bytes are counted as they are handed over. */
    private static final class Counted implements HttpRequest.BodyPublisher {
        private final HttpRequest.BodyPublisher body;
        private final AtomicLong sent;

        Counted(HttpRequest.BodyPublisher body, AtomicLong sent) {
            this.body = body;
            this.sent = sent;
        }

        @Override
        public long contentLength() {
            return body.contentLength();
        }

        @Override
        public void subscribe(Flow.Subscriber<? super ByteBuffer> subscriber) {
            body.subscribe(new Flow.Subscriber<ByteBuffer>() {
                @Override
                public void onSubscribe(Flow.Subscription subscription) {
                    subscriber.onSubscribe(subscription);
                }

                @Override
                public void onNext(ByteBuffer buffer) {
                    sent.addAndGet(buffer.remaining());
                    subscriber.onNext(buffer);
                }

                @Override
                public void onError(Throwable error) {
                    subscriber.onError(error);
                }

                @Override
                public void onComplete() {
                    subscriber.onComplete();
                }
            });
        }
    }
}
