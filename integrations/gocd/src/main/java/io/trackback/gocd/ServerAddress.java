package io.trackback.gocd;

import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Collectors;

/** Where a trackback server is: its URL, with or without a path before it, never with a slash at its end. */
final class ServerAddress {
    static final String KEY = "TRACKBACK_URL";

    private final String url;
    private final URI uri;

    private ServerAddress(String url, URI uri) {
        this.url = url;
        this.uri = uri;
    }

    /** The address that a person has typed. */
    static ServerAddress parse(String typed) throws InvalidSetting {
        String url = typed == null ? "" : typed.strip();
        if (url.isEmpty()) {
            throw wrong("is empty");
        }
        URI uri;
        try {
            uri = URI.create(url);
        } catch (IllegalArgumentException e) {
            throw wrong("is no URL: " + url);
        }
        if (uri.getRawUserInfo() != null) {
            // Not repeated: it may hold a password.
            throw wrong("holds a user or password before an @; leave it out and put a token into TOKEN");
        }
        String scheme = String.valueOf(uri.getScheme()).toLowerCase();
        if (!scheme.equals("http") && !scheme.equals("https") || uri.getHost() == null) {
            throw wrong("has no http:// or https:// with a host: " + url);
        }
        if (uri.getRawQuery() != null || uri.getRawFragment() != null) {
            throw wrong("has a ? or # in it: " + url + "; give the address alone");
        }
        return new ServerAddress(url.replaceAll("/+$", ""), uri);
    }

    private static InvalidSetting wrong(String what) {
        return new InvalidSetting(
                KEY, KEY + " " + what + ". It must be the address of a trackback server, such as https://models.example.com");
    }

    /** The URI of a path on the server, which starts with a slash or not. */
    URI at(String path) throws ServerFailure {
        String full = url + (path.startsWith("/") ? "" : "/") + path;
        try {
            return URI.create(full);
        } catch (IllegalArgumentException e) {
            throw ServerFailure.lasting("the server named a file by what is no URL: " + full);
        }
    }

    /** The path with each of its segments escaped, as it stands in a URL. */
    static String escape(String path) {
        return Arrays.stream(path.split("/", -1))
                .map(segment -> URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20"))
                .collect(Collectors.joining("/"));
    }

    /** Whether two people who typed these meant one place: case of the host and a scheme's usual port don't count. */
    boolean isSameAs(ServerAddress other) {
        return uri.getScheme().equalsIgnoreCase(other.uri.getScheme())
                && uri.getHost().equalsIgnoreCase(other.uri.getHost())
                && port() == other.port()
                && path().equals(other.path());
    }

    private int port() {
        return uri.getPort() >= 0 ? uri.getPort() : uri.getScheme().equalsIgnoreCase("https") ? 443 : 80;
    }

    private String path() {
        return uri.getRawPath().replaceAll("/+$", "");
    }

    String host() {
        return uri.getHost();
    }

    @Override
    public String toString() {
        return url;
    }
}
