package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ServerAddressTest {
    @ParameterizedTest
    @CsvSource({
        "http://models, http://models/gocd/v1/x",
        "http://models/, http://models/gocd/v1/x",
        "' https://models.example.com:8443// ', https://models.example.com:8443/gocd/v1/x",
        "http://models/trackback, http://models/trackback/gocd/v1/x",
        "http://models/a/b/, http://models/a/b/gocd/v1/x",
        "http://[::1]:5000, http://[::1]:5000/gocd/v1/x"})
    void pathsGoBehindWhateverTheServerIsReachedBy(String typed, String expected) throws Failure {
        assertEquals(expected, ServerAddress.parse(typed).at("/gocd/v1/x").toString());
        assertEquals(expected, ServerAddress.parse(typed).at("gocd/v1/x").toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "", " ", "models", "models:5000", "ftp://models", "http:/models", "http://", "http:///x", "file:///etc/passwd",
        "http://models?x=1", "http://models#x", "http://mod els", "http://under_score:80:90"})
    void whatIsNoServersAddressIsRefusedAndQuoted(String typed) {
        InvalidSetting wrong = assertThrows(InvalidSetting.class, () -> ServerAddress.parse(typed));
        assertEquals("TRACKBACK_URL", wrong.key());
        assertTrue(wrong.getMessage().contains(typed.strip()), wrong.getMessage());
        assertTrue(wrong.getMessage().contains("such as https://models.example.com"), wrong.getMessage());
    }

    @Test
    void aPasswordInTheAddressIsRefusedAndNotRepeated() {
        InvalidSetting wrong =
                assertThrows(InvalidSetting.class, () -> ServerAddress.parse("https://me:hunter2@models"));
        assertFalse(wrong.getMessage().contains("hunter2"), wrong.getMessage());
        assertTrue(wrong.getMessage().contains("put a token into TOKEN"), wrong.getMessage());
    }

    @Test
    void aFileNamedByAnAbsoluteAddressIsStillLookedForOnTheServer() throws Failure {
        assertEquals("models", ServerAddress.parse("http://models").at("http://evil/x").getHost());
        assertEquals("models", ServerAddress.parse("http://models").at("//evil/x").getHost());
        assertThrows(ServerFailure.class, () -> ServerAddress.parse("http://models").at("/a b"));
    }

    @ParameterizedTest
    @CsvSource({
        "http://models, http://models/, true",
        "http://Models:80, http://models, true",
        "https://models, HTTPS://models:443, true",
        "http://models, https://models, false",
        "http://models:5000, http://models:5001, false",
        "http://models/a, http://models/b, false"})
    void twoWaysToTypeAnAddressAreOne(String one, String other, boolean same) throws Failure {
        assertEquals(same, ServerAddress.parse(one).isSameAs(ServerAddress.parse(other)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"tb_secret\nx", "tb secret", "tb_sécret"})
    void aTokenThatCanBeNoneIsRefusedAndNotRepeated(String typed) {
        InvalidSetting wrong = assertThrows(InvalidSetting.class, () -> Token.parse(typed));
        assertEquals("TOKEN", wrong.key());
        assertFalse(wrong.getMessage().contains("cret"), wrong.getMessage());
    }

    @Test
    void spaceAroundATokenIsNoPartOfIt() throws Failure {
        assertEquals("Bearer tb_secret", Token.parse(" tb_secret\n").authorization());
    }

    @Test
    void whatNamesAFileIsEscapedSegmentBySegment() {
        assertEquals("a%20b/%C3%A4%3F%23%25/c%2Bd", ServerAddress.escape("a b/ä?#%/c+d"));
    }
}
