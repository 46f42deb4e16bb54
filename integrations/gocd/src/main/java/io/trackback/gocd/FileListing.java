package io.trackback.gocd;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The files of a promotion, a version or a run, as the server lists them. */
final class FileListing {
    /** What they belong to, as a person knows it, such as models:/churn/7. */
    final String name;

    /** Of the version as a whole; null where it has none. */
    final String digest;

    final List<RemoteFile> files;

    private FileListing(String name, String digest, List<RemoteFile> files) {
        this.name = name;
        this.digest = digest;
        this.files = files;
    }

    /** selection: promotion, model and version, or run_id; and the pattern. */
    static FileListing ask(TrackbackServer server, Map<String, Object> selection, Console console) throws Failure {
        JsonObject answer = new Retries(server.patience(), console)
                .run("the list of files", () -> server.askObject("task", "files", selection));
        try {
            List<RemoteFile> files = new ArrayList<>();
            for (JsonObject listed : answer.objects("files")) {
                files.add(RemoteFile.of(listed));
            }
            FileListing listing = new FileListing(answer.string("name"), answer.string("digest", null), files);
            if (files.isEmpty()) {
                throw new Failure("no file of " + listing.name + " matches " + selection.get("pattern"));
            }
            return listing;
        } catch (JsonException e) {
            throw server.nonsense("task", "files", "", e);
        }
    }

    long bytes() {
        return files.stream().mapToLong(file -> file.size).sum();
    }
}
