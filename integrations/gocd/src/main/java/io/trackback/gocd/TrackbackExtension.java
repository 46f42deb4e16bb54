package io.trackback.gocd;

import com.thoughtworks.go.plugin.api.GoApplicationAccessor;
import com.thoughtworks.go.plugin.api.GoPlugin;
import com.thoughtworks.go.plugin.api.GoPluginIdentifier;
import com.thoughtworks.go.plugin.api.exceptions.UnhandledRequestTypeException;
import com.thoughtworks.go.plugin.api.logging.Logger;
import com.thoughtworks.go.plugin.api.request.GoPluginApiRequest;
import com.thoughtworks.go.plugin.api.response.DefaultGoPluginApiResponse;
import com.thoughtworks.go.plugin.api.response.GoPluginApiResponse;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What the four extensions share: requests are told apart by name, and whatever happens, GoCD gets an answer. */
abstract class TrackbackExtension implements GoPlugin {
    /** Answers one kind of request; a failure is answered with status 500 and its message, which GoCD shows. */
    interface Handler {
        String answer(String body) throws Failure, JsonException;
    }

    private final Logger log = Logger.getLoggerFor(getClass(), Gocd.PLUGIN_ID);
    private final String extension;
    private final String version;
    private final StaticAnswers staticAnswers;
    private final Map<String, Handler> handlers = new HashMap<>();
    private final Gocd gocd;

    TrackbackExtension(String extension, String version) {
        this.extension = extension;
        this.version = version;
        this.staticAnswers = new StaticAnswers(extension);
        this.gocd = new Gocd(pluginIdentifier());
    }

    final void on(String request, Handler handler) {
        handlers.put(request, handler);
    }

    /** Answer a request by the file of the JAR that bears its name. */
    final void onStatic(String request) {
        on(request, body -> staticAnswers.to(request));
    }

    final String staticAnswer(String request) {
        return staticAnswers.to(request);
    }

    final Logger log() {
        return log;
    }

    final Gocd gocd() {
        return gocd;
    }

    @Override
    public final void initializeGoApplicationAccessor(GoApplicationAccessor accessor) {
        gocd.accessor(accessor);
    }

    @Override
    public final GoPluginIdentifier pluginIdentifier() {
        return new GoPluginIdentifier(extension, List.of(version));
    }

    /** GoCD's name of a request, as handlers are registered by. */
    String nameOf(String gocdsName) {
        return gocdsName;
    }

    @Override
    public final GoPluginApiResponse handle(GoPluginApiRequest request) throws UnhandledRequestTypeException {
        Handler handler = handlers.get(nameOf(request.requestName()));
        if (handler == null) {
            throw new UnhandledRequestTypeException(request.requestName());
        }
        try {
            return DefaultGoPluginApiResponse.success(handler.answer(request.requestBody()));
        } catch (Failure e) {
            log.warn(request.requestName() + ": " + e.getMessage());
            return DefaultGoPluginApiResponse.error(e.getMessage());
        } catch (JsonException e) {
            String message = "GoCD's request " + request.requestName() + " is not as this plugin (" + PluginVersion.TEXT
                    + ") knows it: " + e.getMessage();
            log.error(message);
            return DefaultGoPluginApiResponse.error(message);
        } catch (RuntimeException e) {
            log.error(request.requestName() + ": a fault of the plugin", e);
            return DefaultGoPluginApiResponse.error("a fault of the trackback plugin, see GoCD's log: " + e);
        }
    }
}
