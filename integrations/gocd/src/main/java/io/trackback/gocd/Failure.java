package io.trackback.gocd;

/**
 * What a person has to be told: the message says what was wrong, with which value, and what to do. It never holds a
 * token.
 *
 * <pre>
 * Failure
 *   InvalidSetting     a field of a configuration, named by its key
 *   ServerFailure      the trackback server was not reached, or refused, or answered what makes no sense
 * </pre>
 */
class Failure extends Exception {
    private static final long serialVersionUID = 1L;

    Failure(String message) {
        super(message);
    }

    Failure(String message, Throwable cause) {
        super(message, cause);
    }
}
