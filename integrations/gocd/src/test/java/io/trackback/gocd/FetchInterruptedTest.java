package io.trackback.gocd;

import static io.trackback.gocd.CalledExtension.PATIENT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Fetches that break off, are served badly, or find what an earlier job has left. */
class FetchInterruptedTest extends FetchJob {
    @Test
    void whatWasCutIsGoneOnWithFromWhereItWas() throws Exception {
        server.files.put("a", MODEL);
        server.interference = (exchange, path, request) -> {
            if (request == 1) {
                FileServer.serveSome(exchange, MODEL, 200_000);
            }
            return false;
        };
        succeeds();
        assertFile("a", MODEL);
        assertEquals("whole", server.ranges().get(0));
        assertTrue(server.ranges().get(1).matches("bytes=[1-9]\\d*-"), server.ranges().toString());
        assertTrue(console.text().contains("[trackback] a: " + server.url() + ": the connection was cut"), console.text());
        assertEquals(List.of("a"), List.copyOf(files()));
    }

    @Test
    void whatABrokenJobHasLeftIsGoneOnWithByTheNext() throws Exception {
        server.files.put("a", MODEL);
        server.interference = (exchange, path, request) -> {
            if (request == 1) {
                FileServer.serveSome(exchange, MODEL, 200_000);
            }
            StandIn.answer(exchange, 403, "{\"error_code\":\"PERMISSION_DENIED\",\"message\":\"No.\"}");
            return true;
        };
        assertTrue(fails().contains("does not allow this (403): No."));
        assertEquals(1, files().size());
        assertTrue(files().first().endsWith(".part"), files().toString());
        long left = Files.size(directory.resolve(files().first()));
        server.interference = (exchange, path, request) -> false;
        succeeds();
        assertEquals("bytes=" + left + "-", server.ranges().get(2));
        assertFile("a", MODEL);
        assertEquals(List.of("a"), List.copyOf(files()));
    }

    @Test
    void partsOfAFileThatHasChangedSinceAreNotUsed() throws Exception {
        server.files.put("a", MODEL);
        server.interference = (exchange, path, request) -> {
            if (request == 1) {
                FileServer.serveSome(exchange, MODEL, 200_000);
            }
            StandIn.answer(exchange, 403, "");
            return true;
        };
        fails();
        byte[] other = Content.of(300_001);
        server.files.put("a", other);
        server.interference = (exchange, path, request) -> false;
        succeeds();
        assertEquals("whole", server.ranges().get(2));
        assertFile("a", other);
        assertEquals(List.of("a"), List.copyOf(files()));
    }

    @Test
    void aDamagedPartIsThrownAwayAndTheFileFetchedAnew() throws Exception {
        server.files.put("a", MODEL);
        Path part = directory.resolve(".trackback-" + Sha256.of("a").substring(0, 16) + "-"
                + Content.sha256(MODEL).substring(0, 16) + ".part");
        Files.write(part, new byte[1000]);
        succeeds();
        assertEquals(List.of("bytes=1000-", "whole"), server.ranges());
        assertFile("a", MODEL);
    }

    @Test
    void aServerWithoutRangesSendsTheWholeFileAgain() throws Exception {
        server.files.put("a", MODEL);
        server.interference = (exchange, path, request) -> {
            if (request == 1) {
                FileServer.serveSome(exchange, MODEL, 200_000);
            }
            StandIn.answer(exchange, 200, MODEL);
            return true;
        };
        succeeds();
        assertFile("a", MODEL);
    }

    @Test
    void anotherPartThanWasAskedForIsNotTakenForIt() throws Exception {
        server.files.put("a", MODEL);
        server.interference = (exchange, path, request) -> {
            if (request == 1) {
                FileServer.serveSome(exchange, MODEL, 200_000);
            }
            if (request == 2) {
                exchange.getResponseHeaders().set("Content-Range", "bytes 7-299999/300000");
                StandIn.answer(exchange, 206, Content.from(MODEL, 7));
                return true;
            }
            return false;
        };
        succeeds();
        assertEquals("whole", server.ranges().get(2));
        assertFile("a", MODEL);
    }

    @Test
    void bytesThatAreNotTheListedOnesAreNotKept() throws Exception {
        server.files.put("a", MODEL);
        server.lies.put("a", Map.of("sha256", "0".repeat(64)));
        Files.write(directory.resolve("a"), text("old"));
        String message = fails();
        assertEquals("a arrived with other bytes than the server has listed: SHA-256 " + Content.sha256(MODEL) + " instead of "
                + "0".repeat(64) + ". Nothing of it was kept", message);
        assertEquals(2, server.ranges().size());
        assertFile("a", text("old"));
        assertEquals(List.of("a"), List.copyOf(files()));
    }

    @ParameterizedTest
    @ValueSource(ints = {299_999, 0})
    void moreBytesThanListedAreNotWritten(int listed) throws Exception {
        server.files.put("a", MODEL);
        server.lies.put("a", Map.of("size", listed));
        String message = fails();
        assertTrue(message.startsWith("a: the server sends more than") || listed == 0, message);
        assertTrue(files().stream().allMatch(name -> name.endsWith(".part")), files().toString());
        for (String part : files()) {
            assertTrue(Files.size(directory.resolve(part)) <= listed);
        }
    }

    @Test
    void fewerBytesThanListedAreAFailureAfterSomeAttempts() throws Exception {
        server.files.put("a", MODEL);
        server.lies.put("a", Map.of("size", 300_001));
        assertEquals("a ended after 300000 of its 300001 bytes", fails());
    }

    @Test
    void aServerThatIsBusyIsAskedAgainAndTheConsoleSaysSo() throws Exception {
        server.files.put("a", MODEL);
        server.interference = (exchange, path, request) -> {
            if (request <= 2) {
                StandIn.answer(exchange, 503, "{\"error_code\":\"TEMPORARILY_UNAVAILABLE\",\"message\":\"Wait.\"}");
            }
            return request <= 2;
        };
        succeeds();
        assertEquals(2, console.lines.stream().filter(line -> line.contains("can't answer now (503): Wait; trying again in 0 s")).count(), console.text());
    }

    @Test
    void afterSomeFailuresInARowItIsGivenUp() throws Exception {
        server.files.put("a", MODEL);
        server.interference = (exchange, path, request) -> {
            StandIn.answer(exchange, 500, "");
            return true;
        };
        assertTrue(fails().endsWith("failed (500)"));
        assertEquals(PATIENT.attempts, server.ranges().size());
    }

    @Test
    void aTransferThatStandsStillIsCutAndGoneOnWith() throws Exception {
        task = new CalledExtension(new TaskExtension(new Patience(
                PATIENT.connect, PATIENT.answer, Duration.ofSeconds(1), PATIENT.attempts, PATIENT.firstPause)));
        server.files.put("a", MODEL);
        server.interference = (exchange, path, request) -> {
            if (request == 1) {
                exchange.sendResponseHeaders(200, MODEL.length);
                exchange.getResponseBody().write(MODEL, 0, 200_000);
                exchange.getResponseBody().flush();
                sleep(4000);
            }
            return false;
        };
        succeeds();
        assertTrue(console.text().contains("the transfer stood still for 1 s; trying again"), console.text());
        assertFile("a", MODEL);
    }

    private static void sleep(int ms) throws IOException {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    @Test
    void anAgentWhoseServerIsGoneSaysSo() {
        server.close();
        assertTrue(fails().contains("the connection was refused"));
    }
}
