package io.trackback.gocd;

import com.thoughtworks.go.plugin.api.annotation.Extension;
import java.util.Map;

/**
 * A trackback server as a package repository: each promotion of a model is a new revision of a package.
 *
 * <p>All of it is decided on the server; this sends GoCD's questions there, and turns whatever may go wrong on the way
 * into an answer that GoCD shows.
 */
@Extension
public final class PackageRepositoryExtension extends TrackbackExtension {
    private static final String REPOSITORY = "repository-configuration";

    private final Patience patience;

    public PackageRepositoryExtension() {
        this(Patience.OF_SERVER);
    }

    PackageRepositoryExtension(Patience patience) {
        super("package-repository", "1.0");
        this.patience = patience;
        onStatic("repository-configuration");
        onStatic("package-configuration");
        onValidate("validate-repository-configuration");
        onValidate("validate-package-configuration");
        onCheck("check-repository-connection");
        onCheck("check-package-connection");
        on("latest-revision", body -> latest("latest-revision", body));
        on("latest-revision-since", body -> revisionOrNothing("latest-revision-since", body));
    }

    /** A server that can't be reached makes no configuration wrong: people set it up before, or while it is down. */
    private void onValidate(String request) {
        on(request, body -> {
            try {
                return relay(request, body);
            } catch (InvalidSetting e) {
                return Answers.invalid(e);
            } catch (ServerFailure e) {
                log().warn(request + ": not validated, as the server did not do it: " + e.getMessage());
                return Answers.VALID;
            }
        });
    }

    private void onCheck(String request) {
        on(request, body -> {
            try {
                return relay(request, body);
            } catch (Failure e) {
                return Answers.failed(e.getMessage());
            }
        });
    }

    private String latest(String request, String body) throws Failure, JsonException {
        String answer = revisionOrNothing(request, body);
        if (answer.equals(Answers.NONE)) {
            throw new Failure("nothing has been promoted yet: the first promotion will be the first revision");
        }
        return answer;
    }

    /** GoCD takes a revision without a string for one named null, and would trigger by it. */
    private String revisionOrNothing(String request, String body) throws Failure, JsonException {
        String answer = relay(request, body);
        Object value = JsonReader.read(answer);
        if (value == null || value.equals(Map.of())) {
            return Answers.NONE;
        }
        if (!(value instanceof Map) || !(((Map<?, ?>) value).get("revision") instanceof String)) {
            throw ServerFailure.lasting("the server answered to " + request + " what is no revision: " + answer);
        }
        return answer;
    }

    private String relay(String request, String body) throws Failure, JsonException {
        JsonObject configurations = JsonObject.read(body);
        ServerSettings settings = ServerSettings.takeFrom(configurations.objectOrEmpty(REPOSITORY).members());
        return new TrackbackServer(settings, patience).ask("package-repository", request, configurations.members());
    }
}
