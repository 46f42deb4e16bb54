package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where a fetch writes: never outside of the job's working directory, and not what the disk has no room for. */
class FetchPlacesTest extends FetchJob {
    @ParameterizedTest
    @ValueSource(strings = {"../x", "/tmp/trackback-x", "a/../../x", "a\\..\\x", "a\nb", "", "a/", "."})
    void aServerThatNamesFilesElsewhereGetsNothingWritten(String path) throws IOException {
        server.files.put("good", MODEL);
        server.files.put(path, MODEL);
        assertTrue(fails().startsWith(JsonWriter.write(path)));
        assertEquals(List.of(), List.copyOf(files()));
        assertFalse(Files.exists(directory.resolve("../x")) || Files.exists(Path.of("/tmp/trackback-x")));
    }

    @ParameterizedTest
    @CsvSource({"Destination, ..", "Destination, /tmp", "DestinationFile, ../x"})
    void aDestinationElsewhereIsRefused(String field, String value) throws IOException {
        server.files.put("a", MODEL);
        config.put(field, value);
        assertTrue(fails().contains("files are written only into the job's working directory"));
        assertEquals(List.of(), List.copyOf(files()));
    }

    @Test
    void aLinkInThePlaceOfAFileIsReplacedAndNotFollowed(@TempDir Path outside) throws Exception {
        server.files.put("a", MODEL);
        Path secret = Files.write(outside.resolve("secret"), text("mine"));
        Files.createSymbolicLink(directory.resolve("a"), secret);
        succeeds();
        assertArrayEquals(text("mine"), Files.readAllBytes(secret));
        assertFalse(Files.isSymbolicLink(directory.resolve("a")));
        assertFile("a", MODEL);
    }

    @Test
    void aLinkInThePlaceOfAPartIsNotFollowed(@TempDir Path outside) throws Exception {
        server.files.put("a", MODEL);
        Path secret = Files.write(outside.resolve("secret"), text("mine"));
        Path part = directory.resolve(".trackback-" + Sha256.of("a").substring(0, 16) + "-"
                + Content.sha256(MODEL).substring(0, 16) + ".part");
        Files.createSymbolicLink(part, secret);
        String message = fails();
        assertTrue(message.startsWith("can't write ") && message.contains(part.getFileName().toString()), message);
        assertArrayEquals(text("mine"), Files.readAllBytes(secret));
    }

    @Test
    void aLinkOutInThePlaceOfAFolderIsRefused(@TempDir Path outside) throws Exception {
        server.files.put("sub/a", MODEL);
        Files.createSymbolicLink(directory.resolve("sub"), outside);
        assertTrue(fails().startsWith("sub is a link that leads out of the job's working directory"));
        assertEquals(0, outside.toFile().list().length);
    }

    @Test
    void moreThanTheDiskHasRoomForIsRefusedBeforeAnyIsFetched() throws IOException {
        server.files.put("a", MODEL);
        server.lies.put("a", Map.of("size", 4_000_000_000_000_000_000L));
        String message = fails();
        assertTrue(message.contains("has too little room: "), message);
        assertTrue(message.endsWith(" free, and the files need 4.0 EB"), message);
        assertEquals(List.of(), server.ranges());
    }
}
