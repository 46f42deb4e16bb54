package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProgressTest {
    private final List<String> lines = new ArrayList<>();
    private long nowNs;

    private final Console console = new Console() {
        @Override
        public void print(String line) {
            lines.add(line);
        }

        @Override
        public void printError(String line) {
            lines.add(line);
        }
    };

    private void pass(int seconds) {
        nowNs += seconds * 1_000_000_000L;
    }

    @Test
    void aLongTransferTellsHowFarItIsEveryTenSeconds() {
        Progress progress = new Progress(console, "fetching", 1, 2_000_000_000L, () -> nowNs);
        for (long done = 0; done < 25; done++) {
            progress.at("model.bin", done * 50_000_000);
            pass(1);
        }
        assertEquals(
                List.of("fetching model.bin: 500 MB of 2.0 GB", "fetching model.bin: 1.0 GB of 2.0 GB"), lines);
    }

    @Test
    void ofSeveralFilesItTellsWhichAndHowFarAllOfThemAre() {
        Progress progress = new Progress(console, "fetching", 300, 3_000_000, () -> nowNs);
        progress.done(1_000_000);
        pass(11);
        progress.at("b.bin", 500_000);
        assertEquals(List.of("fetching b.bin: 1.5 MB of 3.0 MB, file 2 of 300"), lines);
    }

    @Test
    void afterAnyOtherLineThereIsSilenceForAWhile() {
        Progress progress = new Progress(console, "fetching", 1, 100, () -> nowNs);
        pass(9);
        progress.print("trying again");
        pass(9);
        progress.at("a", 1);
        assertEquals(List.of("trying again"), lines);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0 bytes", "1, 1 bytes", "999, 999 bytes", "1000, 1.0 kB", "99949, 99.9 kB", "99950, 100 kB", "999499, 999 kB",
        "999500, 1.0 MB", "1234567890, 1.2 GB", "9223372036854775807, 9.2 EB"})
    void bytesAreShownInTheUnitThatSuitsThem(long bytes, String shown) {
        assertEquals(shown, Bytes.shown(bytes));
    }

    @ParameterizedTest
    @CsvSource({"1, 1 file", "0, 0 files", "2, 2 files", "12345, '12,345 files'"})
    void filesAreCounted(int count, String shown) {
        assertEquals(shown, Bytes.files(count));
    }
}
