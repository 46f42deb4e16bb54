package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
    @Test
    void everyKindOfValueIsRead() throws JsonException {
        Object value = JsonReader.read(" {\"a\": [1, -2.5e3, true, false, null], \"b\": {\"c\": \"d\"}}\r\n\t");
        assertEquals(
                Map.of("a", Arrays.asList(1L, new BigDecimal("-2.5e3"), true, false, null), "b", Map.of("c", "d")), value);
    }

    @Test
    void escapesAreReadAsTheirCharacters() throws JsonException {
        assertEquals("\"\\/\b\f\n\r\tä😀", JsonReader.read("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uD83D\\ude00\""));
    }

    @Test
    void membersKeepTheirOrder() throws JsonException {
        String text = "{\"z\":1,\"a\":2,\"m\":3}";
        assertEquals(text, JsonWriter.write(JsonReader.read(text)));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "", " ", "{", "[", "[1", "[1,", "[1,]", "[,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{'a':1}", "{1:2}",
        "tru", "nul", "True", "NaN", "Infinity", "+1", "01", "1.", ".5", "1e", "1e+", "-", "--1", "0x1", "1 2", "{} {}",
        "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"a\nb\"", "// 1", "1 // one", "\u00a01", "\ufeff1",
        "{\"a\":1,\"a\":2}", "1e99999999999", "\"\\u\u0661\u0662\u0663\u0664\""})
    void whatIsNoJsonIsRefused(String text) {
        assertThrows(JsonException.class, () -> JsonReader.read(text));
    }

    @Test
    void anErrorSaysWhereAndWhat() {
        JsonException error = assertThrows(JsonException.class, () -> JsonReader.read("{\"a\": <html>"));
        assertEquals("no JSON: at character 7, a value was expected, not '<'", error.getMessage());
    }

    @Test
    void nestingHasALimitAndNoStackOverflow() throws JsonException {
        int most = JsonReader.MAX_DEPTH;
        JsonReader.read("[".repeat(most) + "]".repeat(most));
        assertThrows(JsonException.class, () -> JsonReader.read("[".repeat(1_000_000)));
    }

    @Test
    void numbersKeepAllTheirDigits() throws JsonException {
        String text = "[0,-1,9223372036854775807,123456789012345678901234567890,0.1000,-1E+400]";
        assertEquals(text, JsonWriter.write(JsonReader.read(text)));
    }

    @Test
    void whatIsWrittenIsReadAsTheSame() throws JsonException {
        Map<String, Object> value = Map.of("ä\"\\\u0000\u001f\u007f\u2028😀", List.of(List.of(), Map.of(), "", 1L));
        assertEquals(value, JsonReader.read(JsonWriter.write(value)));
    }

    @Test
    void halfACharacterSurvivesTheWayThroughUtf8() throws JsonException {
        String half = "\ud83d";
        byte[] sent = JsonWriter.write(half).getBytes(StandardCharsets.UTF_8);
        assertEquals(half, JsonReader.read(new String(sent, StandardCharsets.UTF_8)));
    }

    @Test
    void aMemberOfTheWrongKindIsNamedWithItsPlace() throws JsonException {
        JsonObject object = JsonObject.read("{\"files\": [{\"path\": \"a\"}, {\"path\": 7}]}");
        JsonException error = assertThrows(JsonException.class, () -> object.objects("files").get(1).string("path"));
        assertEquals("files[1].path: a string was expected, not 7", error.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "1.0", "\"1\"", "null", "true"})
    void aSizeIsAWholeNumberThatIsNotNegative(String size) throws JsonException {
        JsonObject object = JsonObject.read("{\"size\": " + size + "}");
        JsonException error = assertThrows(JsonException.class, () -> object.size("size"));
        assertTrue(error.getMessage().contains("size: a whole number of 0 or more was expected, not " + size));
    }
}
