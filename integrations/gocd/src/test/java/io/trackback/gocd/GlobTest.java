package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GlobTest {
    @ParameterizedTest
    @CsvSource({
        "**, a, true",
        "**, a/b/c, true",
        "*, a, true",
        "*, a/b, false",
        "*.pkl, model.pkl, true",
        "*.pkl, a/model.pkl, false",
        "**/*.pkl, model.pkl, true",
        "**/*.pkl, a/b/model.pkl, true",
        "**/*.pkl, a/model.pkl.bak, false",
        "model/**, model/a/b, true",
        "model/**, modelling/a, false",
        "model/**, model, false",
        "a/**/z, a/z, true",
        "a/**/z, a/b/c/z, true",
        "a/**/z, a/bz, false",
        "a**z, abcz, true",
        "a**z, ab/cz, false",
        "?.txt, a.txt, true",
        "?.txt, /.txt, false",
        "a.b, axb, false",
        "'[a](b)$', '[a](b)$', true",
        "'a\\Eb', 'a\\Eb', true"})
    void matchesAsAntDoes(String glob, String path, boolean matches) {
        assertEquals(matches, new Glob(glob).matches(path));
    }
}
