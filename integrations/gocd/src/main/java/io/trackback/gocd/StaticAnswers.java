package io.trackback.gocd;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * The answers to requests that come without a body, and so without the server's address: files in the JAR, generated
 * from the server's own definitions.
 */
final class StaticAnswers {
    private final String extension;

    StaticAnswers(String extension) {
        this.extension = extension;
    }

    /** The answer to a request, by its name without the extension's prefix. */
    String to(String request) {
        String name = "/static/" + extension + "." + request + ".json";
        try (InputStream file = StaticAnswers.class.getResourceAsStream(name)) {
            if (file == null) {
                throw new IllegalStateException("the plugin's JAR has no " + name);
            }
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
