package io.trackback.gocd;

import java.util.Map;

/** Where the server is and who asks, taken from a configuration of GoCD's. */
final class ServerSettings {
    private final ServerAddress address;
    private final Token token;

    private ServerSettings(ServerAddress address, Token token) {
        this.address = address;
        this.token = token;
    }

    static ServerSettings of(String url, String token) throws InvalidSetting {
        return new ServerSettings(ServerAddress.parse(url), Token.parse(token));
    }

    /**
     * Take the settings out of a configuration, whose members are {@code KEY: "…"} or {@code KEY: {"value": "…"}}.
     *
     * <p>The token is removed from it, so that what is sent on does not hold it.
     */
    static ServerSettings takeFrom(Map<String, Object> configuration) throws InvalidSetting {
        String token = value(configuration.remove(Token.KEY));
        return of(value(configuration.get(ServerAddress.KEY)), token);
    }

    /** The text of a field, which GoCD sends bare or as {@code {"value": …}}; null where there is none. */
    static String value(Object field) {
        Object value = field instanceof Map ? ((Map<?, ?>) field).get("value") : field;
        return value instanceof String ? (String) value : null;
    }

    ServerAddress address() {
        return address;
    }

    Token token() {
        return token;
    }
}
