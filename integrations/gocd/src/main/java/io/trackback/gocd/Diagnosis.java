package io.trackback.gocd;

import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.ProtocolException;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.util.Locale;
import java.util.function.Predicate;

/** Says what went wrong with a request to the server, so that whoever reads it knows where to look. */
final class Diagnosis {
    private final ServerSettings settings;

    Diagnosis(ServerSettings settings) {
        this.settings = settings;
    }

    /** No answer came: why not. */
    ServerFailure unreached(Throwable error, Patience patience) {
        String server = settings.address().toString();
        if (has(error, UnresolvedAddressException.class::isInstance) || has(error, UnknownHostException.class::isInstance)) {
            return ServerFailure.passing(
                    server + ": this machine finds no host named " + settings.address().host()
                            + ". Check the URL, and the DNS of " + Machine.name(),
                    error);
        }
        if (has(error, HttpConnectTimeoutException.class::isInstance)) {
            return ServerFailure.passing(
                    server + (isSecure() ? ": no secure connection within " : ": no connection within ")
                            + seconds(patience.connect.toMillis()) + ". Is the host up, does a firewall let " + Machine.name()
                            + " reach it" + (isSecure() ? ", and does the port speak https?" : "?"),
                    error);
        }
        if (has(error, Diagnosis::isTls)) {
            return ServerFailure.lasting(
                    server + ": no secure connection (TLS): " + deepest(error)
                            + ". The Java that runs GoCD here must trust the certificate's issuer, the certificate must"
                            + " be for " + settings.address().host() + ", and the port must be one that speaks https",
                    error);
        }
        if (has(error, NoRouteToHostException.class::isInstance)) {
            return ServerFailure.passing(server + ": no route to the host from " + Machine.name(), error);
        }
        if (has(error, ConnectException.class::isInstance)) {
            return ServerFailure.passing(
                    server + ": the connection was refused. Does the trackback server run, and on this port?", error);
        }
        if (has(error, HttpTimeoutException.class::isInstance)) {
            return late(patience.answer.toMillis());
        }
        if (has(error, ProtocolException.class::isInstance)) {
            return ServerFailure.lasting(
                    server + ": what answers there speaks no HTTP (" + deepest(error)
                            + "). Is the port that of a trackback server, and is it not https?",
                    error);
        }
        if (has(error, LimitedBody.TooLong.class::isInstance)) {
            return ServerFailure.lasting(
                    server + " answers what a trackback server would not: " + deepest(error) + ". Is it one?", error);
        }
        return cut(error);
    }

    /** Whether a request that failed so would perhaps not, if it were sent again at once. */
    boolean isWorthAnother(Throwable error) {
        return error instanceof IOException
                && !has(error, HttpTimeoutException.class::isInstance)
                && !has(error, ProtocolException.class::isInstance)
                && !has(error, LimitedBody.TooLong.class::isInstance)
                && !has(error, UnresolvedAddressException.class::isInstance)
                && !has(error, Diagnosis::isTls);
    }

    ServerFailure late(long waitedMs) {
        return ServerFailure.passing(
                settings.address() + ": no complete answer within " + seconds(waitedMs)
                        + ". Is the server overloaded? Its log and its /metrics tell",
                null);
    }

    ServerFailure stalled(long waitedMs) {
        return ServerFailure.passing(
                settings.address() + ": the transfer stood still for " + seconds(waitedMs), null);
    }

    private ServerFailure cut(Throwable error) {
        return ServerFailure.passing(
                settings.address() + ": the connection was cut before the answer was complete (" + deepest(error) + ")", error);
    }

    /** An answer came, whose status is not what was asked for. */
    ServerFailure refused(int status, String path, String body, String location) {
        String server = settings.address().toString();
        String said = messageIn(body);
        String reason = said == null ? "" : ": " + said.replaceFirst("\\.$", "");
        if (status == 401) {
            return ServerFailure.lasting(settings.token().isThere()
                    ? server + " does not accept the token (401)" + reason
                            + ". It may have expired or been revoked: make a new one and put it into TOKEN"
                    : server + " wants a token (401), and TOKEN is empty: make one there and put it into TOKEN");
        }
        if (status == 403) {
            return ServerFailure.lasting(server + " does not allow this (403)"
                    + (said == null ? begins(body) + ". Does a proxy stand before it?" : ": " + said));
        }
        if (status >= 300 && status < 400) {
            return ServerFailure.lasting(server + " sends its callers elsewhere (" + status + ")"
                    + (location == null ? "" : ", to " + location) + ": put the address that it is reached by into "
                    + ServerAddress.KEY);
        }
        if (status == 404 && (said == null || body.contains("\"ENDPOINT_NOT_FOUND\""))) {
            return ServerFailure.lasting(server + " has no " + path + " (404)" + reason
                    + ". Is it a trackback server, of this plugin's version or newer, and is the path in the URL complete?");
        }
        if (status == 429 || status >= 500) {
            String what = status == 429 || status == 503 ? " can't answer now (" : " failed (";
            String message = server + what + status + ")" + (said == null ? begins(body) : reason);
            return status == 501 || status == 507
                    ? ServerFailure.lasting(message)
                    : ServerFailure.passing(message, null);
        }
        return ServerFailure.lasting(
                said != null ? said : server + " answered " + status + " to " + path + begins(body));
    }

    /** An answer came that a trackback server would not give. */
    ServerFailure garbled(String path, String body, JsonException error) {
        return ServerFailure.lasting(settings.address() + " answered to " + path + " what a trackback server would not ("
                + error.getMessage() + begins(body) + "). Is it one, or does a proxy or a sign-in page stand before it?", error);
    }

    /** The message of an error of ours; null for any other body. */
    private static String messageIn(String body) {
        try {
            JsonObject error = JsonObject.read(body);
            return error.has("error_code") ? error.string("message") : null;
        } catch (JsonException notOurs) {
            return null;
        }
    }

    private static String begins(String body) {
        String text = body.strip().replaceAll("\\s+", " ");
        return text.isEmpty() ? "" : "; it begins: " + text.substring(0, Math.min(100, text.length()));
    }

    private boolean isSecure() {
        return settings.address().toString().toLowerCase(Locale.ROOT).startsWith("https:");
    }

    private static boolean has(Throwable error, Predicate<Throwable> kind) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (kind.test(cause)) {
                return true;
            }
        }
        return false;
    }

    /** By name: what GoCD hosts plugins in need not give them javax.net.ssl. */
    private static boolean isTls(Throwable error) {
        return error.getClass().getName().startsWith("javax.net.ssl.")
                || error.getClass().getName().startsWith("java.security.cert.");
    }

    private static String deepest(Throwable error) {
        Throwable cause = error;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    }

    private static String seconds(long ms) {
        return ms % 1000 == 0 ? ms / 1000 + " s" : ms + " ms";
    }
}
