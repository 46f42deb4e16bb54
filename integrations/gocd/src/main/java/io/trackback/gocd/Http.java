package io.trackback.gocd;

import java.net.http.HttpClient;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The HTTP clients of this plugin: each has a thread and open connections, so they are kept. */
final class Http {
    private static final Map<Duration, HttpClient> CLIENTS = new ConcurrentHashMap<>();

    private Http() {
    }

    /** Proxies are those of the JVM that GoCD runs in. Redirects are not followed: a token goes to one server only. */
    static HttpClient client(Duration connectTimeout) {
        return CLIENTS.computeIfAbsent(
                connectTimeout,
                timeout -> HttpClient.newBuilder()
                        .connectTimeout(timeout)
                        .version(HttpClient.Version.HTTP_1_1)
                        .followRedirects(HttpClient.Redirect.NEVER)
                        .build());
    }
}
