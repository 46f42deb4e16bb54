package io.trackback.gocd;

import com.thoughtworks.go.plugin.api.annotation.Extension;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The fetch task: on an agent, brings the files of the promoted model that a pipeline was triggered by into the job's
 * working directory.
 */
@Extension
public final class TaskExtension extends TrackbackExtension {
    private final Patience patience;

    public TaskExtension() {
        this(Patience.OF_JOB);
    }

    TaskExtension(Patience patience) {
        super("task", "1.0");
        this.patience = patience;
        onStatic("configuration");
        onStatic("view");
        on("validate", body -> validate(JsonObject.read(body)));
        on("execute", this::execute);
    }

    private static String validate(JsonObject config) throws JsonException {
        Map<String, Object> errors = new LinkedHashMap<>();
        if (value(config, "Repo").isEmpty()) {
            errors.put("Repo", "the name of the package repository in GoCD, or of the material, is required");
        }
        String folder = Destination.wrongFolder(value(config, "Destination"));
        if (folder != null) {
            errors.put("Destination", folder);
        }
        String file = Destination.wrongFile(value(config, "DestinationFile"));
        if (file != null) {
            errors.put("DestinationFile", file);
        }
        return errors.isEmpty() ? Answers.NONE : JsonWriter.write(Map.of("errors", errors));
    }

    private String execute(String body) {
        Console console = Console.ofTask(log());
        try {
            String done = fetch(JsonObject.read(body), console);
            return result(true, done);
        } catch (Failure e) {
            log().warn("fetch: " + e.getMessage());
            return result(false, e.getMessage());
        } catch (JsonException e) {
            return result(false, "GoCD's task is not as this plugin (" + PluginVersion.TEXT + ") knows it: " + e.getMessage());
        } catch (RuntimeException e) {
            log().error("fetch: a fault of the plugin", e);
            return result(false, "a fault of the trackback plugin, see the agent's log: " + e);
        }
    }

    private String fetch(JsonObject task, Console console) throws Failure, JsonException {
        JsonObject config = task.object("config");
        JsonObject context = task.object("context");
        JobEnvironment environment = new JobEnvironment(context.object("environmentVariables").strings());
        JobEnvironment.Material material = environment.material(value(config, "Repo"), value(config, "Package"));
        Map<String, Object> selection = material.selection();
        selection.put("pattern", orElse(value(config, "ArtifactPattern"), "**"));
        TrackbackServer server = new TrackbackServer(material.server(), patience);
        WorkingDirectory directory = WorkingDirectory.at(context.string("workingDirectory"));
        FileListing listing = FileListing.ask(server, selection, console);
        new Fetch(server, directory, console)
                .run(listing, value(config, "Destination"), value(config, "DestinationFile"));
        return Bytes.files(listing.files.size()) + " of " + listing.name + " (" + Bytes.shown(listing.bytes()) + ")";
    }

    private static String value(JsonObject config, String key) {
        String value = ServerSettings.value(config.members().get(key));
        return value == null ? "" : value.strip();
    }

    private static String orElse(String value, String other) {
        return value.isEmpty() ? other : value;
    }

    private static String result(boolean success, String message) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("success", success);
        result.put("message", message);
        return JsonWriter.write(result);
    }
}
