package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A job whose fetch task is executed as GoCD's agent does, against a server of files. */
@Timeout(60)
abstract class FetchJob {
    static final byte[] MODEL = Content.of(300_000);

    @TempDir Path directory;
    FileServer server;
    JobConsole console;
    final Map<String, String> config = new LinkedHashMap<>(Map.of("Repo", "models", "Package", "churn"));
    final Map<String, String> environment = new HashMap<>();
    CalledExtension task = CalledExtension.task();

    @BeforeEach
    void start() throws IOException {
        server = new FileServer();
        console = new JobConsole();
        environment.putAll(Map.of(
                "GO_REPO_MODELS_CHURN_TRACKBACK_URL", server.url() + "/",
                "GO_REPO_MODELS_CHURN_TOKEN", "tb_hunter2",
                "GO_PACKAGE_MODELS_CHURN_PROMOTION", "12",
                "DATABASE_PASSWORD", "hunter3"));
    }

    @AfterEach
    void stop() {
        console.close();
        server.close();
    }

    /** A task as GoCD's agent runs it. */
    private Reply execute() {
        Map<String, Object> fields = new LinkedHashMap<>();
        config.forEach((key, value) -> fields.put(key, Map.of("value", value, "secure", false, "required", false)));
        Map<String, Object> context =
                Map.of("environmentVariables", environment, "workingDirectory", directory.toString());
        return task.ask("execute", JsonWriter.write(Map.of("config", fields, "context", context)));
    }

    final String succeeds() {
        Reply reply = execute();
        assertEquals(true, reply.object().get("success"), reply.body() + "\n" + console.text());
        return (String) reply.object().get("message");
    }

    final String fails() {
        Reply reply = execute();
        assertEquals(false, reply.object().get("success"), reply.body());
        String message = (String) reply.object().get("message");
        assertFalse((message + console.text()).contains("hunter"), message);
        return message;
    }

    final void assertFile(String path, byte[] content) throws IOException {
        assertArrayEquals(content, Files.readAllBytes(directory.resolve(path)), path);
    }

    /** All files below the working directory, parts too. */
    final TreeSet<String> files() throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            return all.filter(Files::isRegularFile)
                    .map(path -> directory.relativize(path).toString())
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
