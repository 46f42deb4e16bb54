package io.trackback.gocd;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Files of a job made a version of a model: a run is begun, its files are sent, and the server checks and registers. */
final class Publication {
    private final TrackbackServer server;
    private final WorkingDirectory directory;
    private final Console console;
    private final Retries retries;

    Publication(TrackbackServer server, WorkingDirectory directory, Console console) {
        this.server = server;
        this.directory = directory;
        this.console = console;
        this.retries = new Retries(server.patience(), console);
    }

    /** plan: the artifact's configuration in the job; what GoCD is to keep and hand to whoever fetches. */
    String run(JsonObject plan, JobEnvironment environment) throws Failure, JsonException {
        Validation fields = new Validation(plan.objectOrEmpty("configuration"));
        String model = fields.value("Model");
        if (model.isEmpty() || fields.value("Source").isEmpty()) {
            throw new Failure("the artifact " + plan.string("id", "") + " has no " + (model.isEmpty() ? "Model" : "Source")
                    + ": give it in the job's configuration");
        }
        List<Upload> uploads = uploads(fields.value("Source"));
        Map<String, Object> beginning = beginning(plan, fields, environment);
        // Both of these may be repeated: a job has one run of an artifact, and that one version.
        JsonObject begun = retries.run("beginning", () -> server.askObject("artifact", "begin", beginning));
        try {
            send(uploads, begun.string("upload_url"), model);
            return finish(begun.string("run_id"), uploads);
        } catch (JsonException e) {
            throw server.nonsense("artifact", "begin", "", e);
        }
    }

    private List<Upload> uploads(String source) throws Failure {
        List<Upload> uploads = new ArrayList<>();
        for (Map.Entry<String, Path> file : new SourceFiles(directory).matching(source).entrySet()) {
            try {
                uploads.add(new Upload(file.getKey(), file.getValue(), Files.size(file.getValue()), Sha256.of(file.getValue())));
            } catch (IOException e) {
                throw DiskFailure.reading(file.getValue(), e);
            }
        }
        return uploads;
    }

    private static Map<String, Object> beginning(JsonObject plan, Validation fields, JobEnvironment environment)
            throws JsonException {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("artifact", plan.string("id", ""));
        body.put("model", fields.value("Model"));
        for (String optional : List.of("Experiment", "Description")) {
            if (!fields.value(optional).isEmpty()) {
                body.put(optional.toLowerCase(), fields.value(optional));
            }
        }
        body.put("job", environment.provenance());
        return body;
    }

    private void send(List<Upload> uploads, String uploadUrl, String model) throws Failure {
        long bytes = uploads.stream().mapToLong(upload -> upload.size).sum();
        Progress progress = new Progress(console, "sending", uploads.size(), bytes, System::nanoTime);
        progress.print("sending " + Bytes.files(uploads.size()) + " (" + Bytes.shown(bytes) + ") as a version of " + model);
        for (Upload upload : uploads) {
            upload.run(server, uploadUrl, progress, console);
        }
    }

    private String finish(String runId, List<Upload> uploads) throws Failure {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("run_id", runId);
        List<Map<String, Object>> files = new ArrayList<>();
        for (Upload upload : uploads) {
            files.add(upload.listed());
        }
        body.put("files", files);
        String answer = retries.run("finishing", () -> server.ask("artifact", "finish", body));
        try {
            JsonObject metadata = JsonObject.read(answer).object("metadata");
            console.print("published " + metadata.string("model") + " version " + metadata.string("version") + ", digest "
                    + metadata.string("digest", "unknown"));
            return answer;
        } catch (JsonException e) {
            throw server.nonsense("artifact", "finish", answer, e);
        }
    }
}
