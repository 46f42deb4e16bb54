package io.trackback.gocd;

import com.thoughtworks.go.plugin.api.GoPlugin;
import com.thoughtworks.go.plugin.api.exceptions.UnhandledRequestTypeException;
import com.thoughtworks.go.plugin.api.request.DefaultGoPluginApiRequest;
import com.thoughtworks.go.plugin.api.response.GoPluginApiResponse;
import java.time.Duration;

/** An extension as GoCD calls it. */
final class CalledExtension {
    /** For a server that answers, however loaded the machine is; attempts follow each other without a pause. */
    static final Patience PATIENT = new Patience(
            Duration.ofSeconds(10), Duration.ofSeconds(30), Duration.ofSeconds(30), 3, Duration.ofMillis(10));

    /** For a server that does not: it is given up soon. */
    static final Patience IMPATIENT = new Patience(
            Duration.ofMillis(500), Duration.ofMillis(600), Duration.ofSeconds(1), 3, Duration.ofMillis(10));

    private final GoPlugin plugin;

    CalledExtension(GoPlugin plugin) {
        this.plugin = plugin;
    }

    static CalledExtension packageRepository() {
        return new CalledExtension(new PackageRepositoryExtension(PATIENT));
    }

    static CalledExtension task() {
        return new CalledExtension(new TaskExtension(PATIENT));
    }

    static CalledExtension notification(FakeGocd gocd) {
        return with(gocd, new NotificationExtension(PATIENT));
    }

    static CalledExtension artifact(FakeGocd gocd) {
        return with(gocd, new ArtifactExtension(PATIENT));
    }

    static CalledExtension with(FakeGocd gocd, GoPlugin plugin) {
        plugin.initializeGoApplicationAccessor(gocd);
        return new CalledExtension(plugin);
    }

    /** GoCD's request of that name without a body. */
    Reply ask(String request) {
        return ask(request, null);
    }

    Reply ask(String request, String body) {
        try {
            return tryAsk(request, body);
        } catch (UnhandledRequestTypeException e) {
            throw new AssertionError(request, e);
        }
    }

    Reply tryAsk(String request, String body) throws UnhandledRequestTypeException {
        String version = plugin.pluginIdentifier().getSupportedExtensionVersions().get(0);
        DefaultGoPluginApiRequest sent =
                new DefaultGoPluginApiRequest(plugin.pluginIdentifier().getExtension(), version, request);
        sent.setRequestBody(body);
        GoPluginApiResponse answer = plugin.handle(sent);
        return new Reply(answer.responseCode(), answer.responseBody());
    }
}
