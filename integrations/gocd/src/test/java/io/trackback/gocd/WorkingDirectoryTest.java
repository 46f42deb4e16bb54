package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkingDirectoryTest {
    @TempDir Path temporary;
    private Path root;
    private WorkingDirectory directory;

    @BeforeEach
    void makeDirectory() throws IOException, Failure {
        root = Files.createDirectory(temporary.toRealPath().resolve("pipeline"));
        directory = WorkingDirectory.at(root.toString());
    }

    private Path file(String name) throws Failure {
        return directory.file(directory.folder(""), name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "./", " "})
    void theDirectoryItselfIsADestination(String name) throws Failure {
        assertEquals(root, directory.folder(name));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "a/", "./a", " a "})
    void aFolderIsMade(String name) throws Failure {
        assertEquals(root.resolve("a"), directory.folder(name));
        assertTrue(Files.isDirectory(root.resolve("a")));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "..", "../x", "a/../../x", "a/../b", "/x", "/", "a//b", "\\x", "..\\x", "a\\..\\..\\x", "a\nb", "a\u0000b", "a\u007fb"})
    void noNameLeadsOutOrIsOdd(String name) throws IOException {
        Failure folder = assertThrows(Failure.class, () -> directory.folder(name));
        Failure file = assertThrows(Failure.class, () -> file(name));
        assertTrue(folder.getMessage().contains("only into the job's working directory"), folder.getMessage());
        assertTrue(file.getMessage().startsWith(JsonWriter.write(name)), file.getMessage());
        assertEquals(0, Files.list(root).count());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "a/.", "./a", "a/"})
    void aFileNeedsANameOfItsOwn(String name) {
        assertThrows(Failure.class, () -> file(name));
    }

    @Test
    void aLinkThatLeadsOutIsRefusedBeforeAnythingIsMadeBehindIt() throws IOException {
        Path outside = Files.createDirectory(temporary.resolve("outside"));
        Files.createSymbolicLink(root.resolve("link"), outside);
        for (String name : new String[] {"link/x", "link/deep/er/x"}) {
            Failure refused = assertThrows(Failure.class, () -> file(name));
            assertTrue(refused.getMessage().contains("link is a link that leads out"), refused.getMessage());
        }
        assertThrows(Failure.class, () -> directory.folder("link"));
        assertEquals(0, Files.list(outside).count());
    }

    @Test
    void aLinkThatStaysInsideIsFollowed() throws IOException, Failure {
        Files.createDirectory(root.resolve("real"));
        Files.createSymbolicLink(root.resolve("link"), Path.of("real"));
        assertEquals(root.resolve("real"), directory.folder("link"));
    }

    @Test
    void theDirectoryMayBeReachedByALink() throws IOException, Failure {
        Path link = Files.createSymbolicLink(temporary.resolve("link"), root);
        assertEquals(root.resolve("a"), WorkingDirectory.at(link.toString()).folder("a"));
    }

    @Test
    void aFileInTheWayOfAFolderIsNamed() throws IOException {
        Files.writeString(root.resolve("a"), "");
        Failure inTheWay = assertThrows(Failure.class, () -> file("a/b"));
        assertEquals("can't write " + root.resolve("a") + ": a file is where a folder should be", inTheWay.getMessage());
    }

    @Test
    void aFolderInTheWayOfAFileIsNamed() throws IOException {
        Files.createDirectory(root.resolve("a"));
        Failure inTheWay = assertThrows(Failure.class, () -> file("a"));
        assertTrue(inTheWay.getMessage().startsWith("a folder is where a should go"), inTheWay.getMessage());
    }

    @Test
    void whereNothingCanBeWrittenIsSaid() throws Failure {
        Failure refused = assertThrows(Failure.class, () -> WorkingDirectory.at("/proc").folder("models"));
        assertTrue(refused.getMessage().startsWith("can't write /proc/models: "), refused.getMessage());
    }

    @Test
    void aDirectoryThatIsNotThereIsNamed() {
        Failure missing = assertThrows(Failure.class, () -> WorkingDirectory.at(root.resolve("gone").toString()));
        assertEquals("the job's working directory " + root.resolve("gone") + " can't be used: it does not exist",
                missing.getMessage());
        assertFalse(Files.exists(root.resolve("gone")));
    }
}
