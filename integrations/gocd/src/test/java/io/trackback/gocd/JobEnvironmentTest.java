package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JobEnvironmentTest {
    private static Map<String, Object> selection(String repository, String name, Map<String, String> variables)
            throws Failure {
        return new JobEnvironment(variables).material(repository, name).selection();
    }

    @Test
    void onlyWhatTellsWhereABuildComesFromLeavesTheAgent() {
        Map<String, String> variables = new HashMap<>();
        Set<String> told = Set.of(
                "GO_SERVER_URL", "GO_PIPELINE_NAME", "GO_PIPELINE_COUNTER", "GO_PIPELINE_LABEL", "GO_STAGE_NAME",
                "GO_STAGE_COUNTER", "GO_JOB_NAME", "GO_TRIGGER_USER", "GO_REVISION", "GO_REVISION_CODE", "GO_TO_REVISION_CODE",
                "GO_FROM_REVISION_CODE", "GO_MATERIAL_BRANCH_CODE", "GO_DEPENDENCY_LOCATOR_UP", "GO_PACKAGE_TB_CHURN_LABEL",
                "GO_PACKAGE_TB_CHURN_PROMOTION", "GO_PACKAGE_TB_CHURN_MODEL_URI", "GO_REPO_TB_CHURN_TRACKBACK_URL");
        Set<String> kept = Set.of(
                "PATH", "AWS_SECRET_ACCESS_KEY", "DATABASE_URL", "GO_REPO_TB_CHURN_TOKEN", "GO_REPO_NEXUS_LIB_PASSWORD",
                "GO_REPO_NEXUS_LIB_USERNAME", "GO_PACKAGE_NEXUS_LIB_API_KEY", "GO_SCM_CODE_API_KEY", "GO_SCM_CODE_URL",
                "GO_REVISION_SECRET_THING", "GO_AGENT_REGISTER_KEY", "MY_GO_SERVER_URL");
        told.forEach(name -> variables.put(name, "told"));
        kept.forEach(name -> variables.put(name, "kept"));
        assertEquals(told, new JobEnvironment(variables).provenance().keySet());
    }

    @ParameterizedTest
    @CsvSource({
        "models, churn, MODELS_CHURN",
        "My models, churn-prod.v2, MY_MODELS_CHURN_PROD_V2",
        "modèles, a, MOD_LES_A",
        "material's name, '', MATERIAL_S_NAME"})
    void variablesAreNamedAsGocdNamesThem(String repository, String name, String variable) throws Failure {
        assertEquals(
                Map.of("promotion", 12L), selection(repository, name, Map.of("GO_PACKAGE_" + variable + "_PROMOTION", "12")));
    }

    @Test
    void aPromotionGoesBeforeAVersionAndThatBeforeARun() throws Failure {
        Map<String, String> run = Map.of("GO_PACKAGE_R_P_RUN_ID", "abc");
        assertEquals(Map.of("run_id", "abc"), selection("r", "p", run));
        Map<String, String> version = new HashMap<>(run);
        version.putAll(Map.of("GO_PACKAGE_R_P_MODEL", "churn", "GO_PACKAGE_R_P_VERSION", "7"));
        assertEquals(Map.of("model", "churn", "version", "7"), selection("r", "p", version));
        Map<String, String> promotion = new HashMap<>(version);
        promotion.put("GO_PACKAGE_R_P_PROMOTION", "12");
        assertEquals(Map.of("promotion", 12L), selection("r", "p", promotion));
    }

    @Test
    void aMissingVariableIsNamedWithThePackagesThatThereAre() {
        Failure missing = assertThrows(
                Failure.class,
                () -> selection("models", "churn", Map.of("GO_PACKAGE_MODELS_FRAUD_LABEL", "3", "SECRET", "hunter2")));
        assertTrue(missing.getMessage().contains("no variable GO_PACKAGE_MODELS_CHURN_PROMOTION"), missing.getMessage());
        assertTrue(missing.getMessage().contains("Its package materials are: MODELS_FRAUD."), missing.getMessage());
        assertTrue(missing.getMessage().contains("Check that the pipeline has the package as a material"), missing.getMessage());
    }

    @Test
    void aMissingServerIsNamedToo() {
        Failure missing = assertThrows(Failure.class, () -> new JobEnvironment(Map.of()).material("a", "b").server());
        assertTrue(missing.getMessage().contains("no variable GO_REPO_A_B_TRACKBACK_URL"), missing.getMessage());
        assertTrue(missing.getMessage().contains("Its package materials are: none."), missing.getMessage());
    }

    @Test
    void aPromotionThatIsNoNumberIsQuoted() {
        Failure wrong = assertThrows(Failure.class, () -> selection("r", "p", Map.of("GO_PACKAGE_R_P_PROMOTION", "x7")));
        assertEquals("GO_PACKAGE_R_P_PROMOTION is no number: x7", wrong.getMessage());
    }
}
