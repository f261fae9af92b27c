package dev.sparkswitch.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.SectionFiles;
import dev.sparkswitch.corpus.BatchConfig;
import dev.sparkswitch.corpus.PrepareConfig;
import dev.sparkswitch.corpus.VocabConfig;
import dev.sparkswitch.jobs.study.StudyConfig;
import dev.sparkswitch.jobs.study.StudyPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The studies of {@code conf/studies} and the settings that their text is made with. */
final class StudyFilesTest {
    private static final Path PROJECT = Path.of("..");
    private static final SectionFiles FILES = name -> {
        try {
            Path file = PROJECT.resolve(name);
            return Files.isRegularFile(file)
                    ? Optional.of(Configs.read(Files.newInputStream(file), name))
                    : Optional.empty();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    };

    @ParameterizedTest
    @ValueSource(
            strings = {
                "study",
                "studies/headline",
                "studies/headline-tiny",
                "studies/capacity",
                "studies/init",
                "studies/precision",
                "studies/exploration",
                "studies/attention",
                "studies/dropout",
                "studies/rate"
            })
    void everyVariantIsAWholeConfigurationOfItsCommand(String name) {
        SectionFiles files = name.equals("study") ? model -> FILES.find("conf/models/" + model + ".yaml") : FILES;
        StudyConfig config =
                Configs.load(StudyConfig.class, PROJECT.resolve("conf/" + name + ".yaml"), List.of("seeds=[7]"));

        assertThat(StudyPlan.of(config, files).folders())
                .containsExactlyElementsOf(config.variants().keySet().stream()
                        .map(variant -> config.output() + "/" + variant)
                        .toList());
    }

    @ParameterizedTest
    @ValueSource(strings = {"text", "tiny"})
    void theTextIsMadeByOrdinaryCommands(String folder) {
        Path conf = PROJECT.resolve("conf/studies/" + folder);
        PrepareConfig prepare = Configs.load(PrepareConfig.class, conf.resolve("prepare.yaml"), List.of());
        VocabConfig vocab = Configs.load(VocabConfig.class, conf.resolve("vocab.yaml"), List.of());
        BatchConfig batch = Configs.load(BatchConfig.class, conf.resolve("batch.yaml"), List.of());

        assertThat(vocab.corpus()).isEqualTo(prepare.output());
        assertThat(batch.corpus()).contains(prepare.output());
        assertThat(batch.vocabulary()).isEqualTo(vocab.output());
    }
}
