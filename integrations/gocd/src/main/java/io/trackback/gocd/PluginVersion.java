package io.trackback.gocd;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** The version of this JAR, which the server is told with each request. */
final class PluginVersion {
    static final String TEXT = read();

    private PluginVersion() {
    }

    private static String read() {
        Properties properties = new Properties();
        try (InputStream file = PluginVersion.class.getResourceAsStream("/trackback-gocd.properties")) {
            properties.load(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return properties.getProperty("version");
    }
}
