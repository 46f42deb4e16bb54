package io.trackback.gocd;

import com.thoughtworks.go.plugin.api.annotation.Extension;

/**
 * Reports the results of stages to the server, for pipelines that a promotion is a material of, and for those that have
 * a stage of another pipeline as one: the server knows whether that one was for a promotion.
 *
 * <p>The plugin's settings say which server, and with which token. GoCD asks for no answer but whether it went well, and
 * shows what did not; the server catches up on what was lost.
 */
@Extension
public final class NotificationExtension extends TrackbackExtension {
    private static final String CONFIGURATION = "go.plugin-settings.get-configuration";

    private final Patience patience;

    public NotificationExtension() {
        this(Patience.OF_SERVER);
    }

    NotificationExtension(Patience patience) {
        super("notification", "4.0");
        this.patience = patience;
        onStatic("notifications-interested-in");
        onStatic(CONFIGURATION);
        onStatic("go.plugin-settings.get-view");
        on("go.plugin-settings.validate-configuration", this::validate);
        on("go.plugin-settings.plugin-settings-changed", body -> Answers.NONE);
        on("stage-status", this::stageStatus);
    }

    private String validate(String body) throws JsonException {
        JsonObject fields = JsonObject.read(staticAnswer(CONFIGURATION));
        JsonObject settings = JsonObject.read(body).objectOrEmpty("plugin-settings");
        return new Validation(settings).required(fields).server().answer();
    }

    private String stageStatus(String body) {
        try {
            return report(JsonObject.read(body));
        } catch (Failure e) {
            log().warn("stage-status not delivered: " + e.getMessage());
            return Answers.failed("trackback was not told of a stage's result: " + e.getMessage());
        } catch (JsonException e) {
            String message = "GoCD's stage-status is not as this plugin (" + PluginVersion.TEXT + ") knows it: " + e.getMessage();
            log().error(message);
            return Answers.failed(message);
        } catch (RuntimeException e) {
            log().error("stage-status: a fault of the plugin", e);
            return Answers.failed("a fault of the trackback plugin, see GoCD's log: " + e);
        }
    }

    private String report(JsonObject stage) throws Failure, JsonException {
        JsonObject settings = gocd().pluginSettings();
        if (settings == null || !settings.has(ServerAddress.KEY)) {
            log().debug("stage-status: the plugin's settings name no server, nothing is reported");
            return Answers.succeeded();
        }
        ServerSettings server = ServerSettings.takeFrom(settings.members());
        BuildCause cause = new BuildCause(stage.object("pipeline"));
        boolean mayBeOurs = cause.keepOurs(server.address());
        if (!cause.elsewhere().isEmpty()) {
            log().info("stage-status: promotions of " + String.join(", ", cause.elsewhere()) + " are not reported, as the"
                    + " plugin's settings name " + server.address() + ". Is that the same server by another address?");
        }
        if (!mayBeOurs) {
            return Answers.succeeded();
        }
        addSiteUrl(stage);
        return new TrackbackServer(server, patience).ask("notification", "stage-status", stage.members());
    }

    /** For a link from the build to its stage; a report without one is still a report. */
    private void addSiteUrl(JsonObject stage) {
        try {
            String url = gocd().siteUrl();
            if (url != null && !url.isBlank()) {
                stage.members().put("server_url", url);
            }
        } catch (Failure e) {
            log().info("stage-status: no link to the stage, as " + e.getMessage());
        }
    }
}
