package io.trackback.gocd;

/** A text that is no JSON, or JSON of another shape than was expected; the message says where and what. */
final class JsonException extends Exception {
    private static final long serialVersionUID = 1L;

    JsonException(String message) {
        super(message);
    }
}
