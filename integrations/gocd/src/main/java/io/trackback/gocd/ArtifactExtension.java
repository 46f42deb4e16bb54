package io.trackback.gocd;

import com.thoughtworks.go.plugin.api.annotation.Extension;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A trackback server as an artifact store: the files that a job publishes become a version of a model, with the job as
 * its provenance, and a later job gets exactly that version.
 */
@Extension
public final class ArtifactExtension extends TrackbackExtension {
    private static final String PREFIX = "cd.go.artifact.";

    private final Patience patience;

    public ArtifactExtension() {
        this(Patience.OF_JOB);
    }

    ArtifactExtension(Patience patience) {
        super("artifact", "2.0");
        this.patience = patience;
        onStatic("get-icon");
        onStatic("get-plugin-icon");
        onStatic("get-capabilities");
        for (String subject : List.of("store", "publish", "fetch")) {
            onStatic(subject + ".get-metadata");
            onStatic(subject + ".get-view");
        }
        on("store.validate", body -> validation("store", body).server().answer());
        on("publish.validate", this::validatePlan);
        on("fetch.validate", this::validateFetch);
        on("publish-artifact", this::publish);
        on("fetch-artifact", this::fetch);
    }

    @Override
    String nameOf(String gocdsName) {
        return gocdsName.startsWith(PREFIX) ? gocdsName.substring(PREFIX.length()) : "";
    }

    /** The required fields looked at, by {@code [{"key", "metadata": {"required"}}]}. */
    private Validation validation(String subject, String body) throws JsonException {
        JsonObject fields = JsonObject.empty();
        for (JsonObject field : JsonObject.readList(staticAnswer(subject + ".get-metadata"))) {
            fields.members().put(field.string("key"), field.object("metadata").members());
        }
        return new Validation(JsonObject.read(body)).required(fields);
    }

    private String validatePlan(String body) throws JsonException {
        Validation validation = validation("publish", body);
        return validation.note("Source", SourceFiles.wrongPattern(validation.value("Source"))).answer();
    }

    private String validateFetch(String body) throws JsonException {
        Validation validation = validation("fetch", body).folder("Destination");
        return validation.note("Prefix", ModelVariables.wrongPrefix(validation.value("Prefix"))).answer();
    }

    private String publish(String body) throws Failure, JsonException {
        Console console = Console.ofArtifact(gocd(), log());
        try {
            JsonObject request = JsonObject.read(body);
            ServerSettings settings = ServerSettings.takeFrom(
                    request.object("artifact_store").objectOrEmpty("configuration").members());
            TrackbackServer server = new TrackbackServer(settings, patience);
            WorkingDirectory directory = WorkingDirectory.at(request.string("agent_working_directory"));
            JobEnvironment environment = new JobEnvironment(request.objectOrEmpty("environment_variables").strings());
            JsonObject plan = request.object("artifact_plan");
            return new Publication(server, directory, console).run(plan, environment);
        } catch (Failure e) {
            console.printError(e.getMessage());
            throw e;
        }
    }

    private String fetch(String body) throws Failure, JsonException {
        Console console = Console.ofArtifact(gocd(), log());
        try {
            JsonObject request = JsonObject.read(body);
            ServerSettings settings = ServerSettings.takeFrom(request.objectOrEmpty("store_configuration").members());
            TrackbackServer server = new TrackbackServer(settings, patience);
            WorkingDirectory directory = WorkingDirectory.at(request.string("agent_working_directory"));
            return fetch(request, server, directory, console);
        } catch (Failure e) {
            console.printError(e.getMessage());
            throw e;
        }
    }

    private static String fetch(JsonObject request, TrackbackServer server, WorkingDirectory directory, Console console)
            throws Failure, JsonException {
        JsonObject published = request.object("artifact_metadata");
        Validation fields = new Validation(request.objectOrEmpty("fetch_artifact_configuration"));
        Map<String, Object> selection = new LinkedHashMap<>();
        selection.put("model", published.string("model"));
        selection.put("version", published.string("version"));
        selection.put("pattern", fields.value("ArtifactPattern").isEmpty() ? "**" : fields.value("ArtifactPattern"));
        FileListing listing = FileListing.ask(server, selection, console);
        String digest = published.string("digest", null);
        if (digest != null && listing.digest != null && !digest.equals(listing.digest)) {
            throw new Failure(listing.name + " is not what was published: its digest is " + listing.digest + ", the job"
                    + " that published it was told " + digest + ". Nothing was fetched");
        }
        Path folder = new Fetch(server, directory, console).run(listing, fields.value("Destination"), "");
        return JsonWriter.write(new ArrayList<Object>(new ModelVariables(fields.value("Prefix")).of(published, folder)));
    }
}
