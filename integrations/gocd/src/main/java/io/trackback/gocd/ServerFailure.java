package io.trackback.gocd;

/** The trackback server was not reached, refused, or answered what makes no sense. */
final class ServerFailure extends Failure {
    private static final long serialVersionUID = 1L;

    private final boolean passing;

    private ServerFailure(String message, boolean passing, Throwable cause) {
        super(message, cause);
        this.passing = passing;
    }

    static ServerFailure passing(String message, Throwable cause) {
        return new ServerFailure(message, true, cause);
    }

    static ServerFailure lasting(String message) {
        return new ServerFailure(message, false, null);
    }

    static ServerFailure lasting(String message, Throwable cause) {
        return new ServerFailure(message, false, cause);
    }

    /** Whether the same request may succeed a little later, with nothing changed. */
    boolean isPassing() {
        return passing;
    }
}
