package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An agent whose disk fills up while a model is fetched. */
@Timeout(60)
class FullDiskTest {
    private static final byte[] MODEL = Content.of(3_000_000);

    @TempDir Path temporary;
    private Path disk;

    @BeforeEach
    void mount() throws Exception {
        disk = Files.createDirectory(temporary.resolve("disk"));
        boolean mounted = run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk.toString());
        Assumptions.assumeTrue(mounted, "no right to mount a small disk (be root)");
    }

    @AfterEach
    void unmount() throws Exception {
        run("umount", "--lazy", disk.toString());
    }

    private static boolean run(String... command) throws IOException, InterruptedException {
        Process program = new ProcessBuilder(command).redirectErrorStream(true).start();
        return program.waitFor(20, TimeUnit.SECONDS) && program.exitValue() == 0;
    }

    private Map<String, Object> fetch(FileServer server) {
        Map<String, Object> context = Map.of("workingDirectory", disk.toString(), "environmentVariables", Map.of(
                "GO_REPO_M_TRACKBACK_URL", server.url(), "GO_PACKAGE_M_PROMOTION", "12"));
        return CalledExtension.task()
                .ask("execute", JsonWriter.write(Map.of("config", Map.of("Repo", Map.of("value", "m")), "context", context)))
                .object();
    }

    @Test
    void theTaskSaysThatTheDiskIsFullAndGoesOnWhenThereIsRoom() throws Exception {
        Path ballast = disk.resolve("ballast");
        try (FileServer server = new FileServer(); JobConsole console = new JobConsole()) {
            server.files.put("model.bin", MODEL);
            // Between the look at the free space and the writing, another job fills the disk.
            server.interference = (exchange, path, request) -> {
                Files.write(ballast, new byte[2_000_000]);
                return false;
            };
            Map<String, Object> failed = fetch(server);
            String message = (String) failed.get("message");
            assertEquals(false, failed.get("success"));
            assertTrue(message.startsWith("the agent's disk is full: no room to write " + disk), message);
            assertTrue(message.endsWith("Free some, or give the agent's working directory a larger disk"), message);
            assertEquals(1, server.ranges().size(), "another attempt would not help: " + console.text());

            Files.delete(ballast);
            server.interference = (exchange, path, request) -> false;
            assertEquals(true, fetch(server).get("success"), console.text());
            assertTrue(server.ranges().get(1).startsWith("bytes="), server.ranges().toString());
            assertArrayEquals(MODEL, Files.readAllBytes(disk.resolve("model.bin")));
        }
    }
}
