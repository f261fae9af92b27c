package dev.sparkswitch.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.dynatrace.hash4j.hashing.Hashing;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.UserException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What prepare removes because other texts hold it: nearly the same documents, evaluation sets. */
class PrepareOverlapTest {
    private static final SparkSession SPARK = LocalSpark.session();

    @TempDir
    Path folder;

    private JobResult prepare(Path input, String output, String more) {
        return prepare(input, output, 2, more);
    }

    private JobResult prepare(Path input, String output, int partitions, String more) {
        String yaml = """
                input: {paths: ['%s']}
                output: '%s'
                preset: none
                heldout: 0.1
                partitions: %d
                %s
                """.formatted(input, folder.resolve(output), partitions, more);
        return Prepare.run(
                SPARK,
                Configs.load(
                        PrepareConfig.class,
                        new ByteArrayInputStream(yaml.getBytes(StandardCharsets.UTF_8)),
                        "test",
                        List.of()));
    }

    private static TreeSet<String> texts(JobResult result) {
        return new TreeSet<>(Corpus.open(
                        SPARK.sparkContext().hadoopConfiguration(),
                        result.folder().toString())
                .documents(SPARK)
                .select(Corpus.TEXT)
                .as(Encoders.STRING())
                .collectAsList());
    }

    /** Families of texts: each member is the one before with a word replaced, so that first and last differ a good deal. */
    private static List<List<String>> families(int count, int members, long seed) {
        Random random = new Random(seed);
        List<List<String>> families = new ArrayList<>();
        for (int family = 0; family < count; family++) {
            String[] words = new String[400];
            for (int i = 0; i < words.length; i++) {
                words[i] = "w" + random.nextInt(5000);
            }
            List<String> texts = new ArrayList<>();
            for (int member = 0; member < members; member++) {
                texts.add(String.join(" ", words));
                words[random.nextInt(words.length)] = "x" + random.nextInt();
            }
            families.add(texts);
        }
        return families;
    }

    @Test
    void oneOfEachFamilyStaysWhateverThePartitions() throws IOException {
        List<List<String>> families = families(12, 8, 1);
        List<String> lines = new ArrayList<>();
        families.forEach(lines::addAll);
        lines.add(families.get(3).get(2));
        List<String> others = SampleText.documents(30, 5);
        lines.addAll(others);
        Path input = Files.write(folder.resolve("text.txt"), lines);
        TreeSet<String> first = null;
        for (int partitions : new int[] {1, 3, 17}) {
            JobResult result = prepare(input, "corpus-" + partitions, partitions, "near-duplicates: {remove: true}");
            TreeSet<String> survivors = texts(result);
            assertThat(result.manifest().counts())
                    .containsEntry("dropped-near-duplicate", 12L * 7 + 1)
                    .containsEntry("documents-kept", 42L);
            assertThat(survivors).containsAll(others);
            for (List<String> family : families) {
                assertThat(family.stream().filter(survivors::contains)).hasSize(1);
            }
            first = first == null ? survivors : first;
            assertThat(survivors).as(partitions + " partitions").isEqualTo(first);
        }
    }

    @Test
    void theDocumentWithTheSmallestHashStays() throws IOException {
        List<String> family = families(1, 6, 2).get(0);
        Path input = Files.write(folder.resolve("text.txt"), family);
        // Text for text: the hash's high bits decide, which no two of these share.
        String expected = Collections.min(family, Comparator.comparing(text -> Hashing.murmur3_128()
                .hashCharsTo128Bits(text)
                .getMostSignificantBits()));
        assertThat(texts(prepare(input, "corpus", "near-duplicates: {remove: true}")))
                .containsExactly(expected);
    }

    @Test
    void verificationKeepsWhatOnlySeemedNearlyTheSame() throws IOException {
        Random random = new Random(3);
        List<String> lines = new ArrayList<>();
        String common = String.join(" ", families(1, 1, 4).get(0)).substring(0, 900);
        for (int i = 0; i < 6; i++) {
            StringBuilder text = new StringBuilder(common);
            for (int word = 0; word < 60; word++) {
                text.append(" y").append(random.nextInt());
            }
            lines.add(text.toString());
        }
        // Bands of one hash find texts of any likeness: about half of these texts' shingles are shared.
        String eager = "near-duplicates: {remove: true, bands: 64, rows: 1%s}";
        Path input = Files.write(folder.resolve("text.txt"), lines);
        assertThat(texts(prepare(input, "eager", eager.formatted("")))).hasSize(1);
        assertThat(texts(prepare(input, "verified", eager.formatted(", verify: 0.9"))))
                .hasSize(6);
        assertThat(texts(prepare(input, "lenient", eager.formatted(", verify: 0.2"))))
                .hasSize(1);
    }

    @Test
    void aBucketOfThousandsIsOneComponent() throws IOException {
        List<String> lines = new ArrayList<>();
        String boilerplate = families(1, 1, 6).get(0).get(0);
        for (int i = 0; i < 3000; i++) {
            lines.add(boilerplate + " " + i);
        }
        Path input = Files.write(folder.resolve("text.txt"), lines);
        assertThat(texts(prepare(input, "corpus", "near-duplicates: {remove: true}")))
                .hasSize(1);
    }

    private static final String QUESTION =
            "which of the thirteen colonies was the very last one to sign the famous declaration in that summer";
    private static final String PASSAGE =
            "a passage of an evaluation set which has considerably more than thirteen words in it, as passages have";

    /** Three clean documents and three that hold something of an evaluation set. */
    private Path contaminated() throws IOException {
        List<String> lines = new ArrayList<>(SampleText.documents(3, 8));
        lines.add("Before it. Which of the thirteen colonies was THE very last one, to sign the famous"
                + " declaration in that summer? After it.");
        lines.add("One. " + PASSAGE + " Two. " + QUESTION + " Three.");
        lines.add(PASSAGE);
        return Files.write(folder.resolve("text.txt"), lines);
    }

    private String sets(String action) throws IOException {
        Path questions = Files.writeString(
                folder.resolve("questions.jsonl"),
                "{\"idx\": 1, \"data\": [{\"question\": \"" + QUESTION + "\"}], \"label\": true}\n");
        Path passages = folder.resolve("passages");
        if (!Files.exists(passages)) {
            SPARK.createDataset(List.of(PASSAGE), Encoders.STRING())
                    .toDF("passage")
                    .write()
                    .parquet(passages.toString());
        }
        return "decontaminate: {sets: {questions: ['%s'], passages: ['%s']}, action: %s}"
                .formatted(questions, passages, action);
    }

    @Test
    void documentsWithTextOfEvaluationSetsAreDroppedAndCountedBySet() throws IOException {
        JobResult result = prepare(contaminated(), "corpus", sets("drop"));
        assertThat(result.manifest().counts())
                .containsEntry("documents-kept", 3L)
                .containsEntry("contaminated-questions", 2L)
                .containsEntry("contaminated-passages", 2L)
                .containsEntry("dropped-contaminated-passages", 2L)
                .containsEntry("dropped-contaminated-questions", 1L);
        assertThat(texts(result)).isEqualTo(new TreeSet<>(SampleText.documents(3, 8)));
        assertThat(result.manifest().inputs())
                .extracting("name")
                .contains("evaluation set questions", "evaluation set passages");
    }

    @Test
    void maskingTakesOutTheSharedWordsAlone() throws IOException {
        JobResult result = prepare(contaminated(), "corpus", sets("mask"));
        Map<String, Long> counts = result.manifest().counts();
        assertThat(counts)
                .containsEntry("documents-kept", 5L)
                .containsEntry("dropped-contaminated-passages", 1L)
                .containsEntry("dropped-contaminated-questions", 0L);
        assertThat(texts(result)).contains("Before it. ? After it.", "One.  Two.  Three.");
    }

    @Test
    void twelveSharedWordsAreNotThirteen() throws IOException {
        String twelve = QUESTION.split(" famous")[0].substring("which ".length());
        assertThat(twelve.split(" ")).hasSize(12);
        Path input = Files.write(folder.resolve("text.txt"), List.of("They asked " + twelve + " a thing."));
        assertThat(texts(prepare(input, "corpus", sets("drop")))).hasSize(1);
        Path longer = Files.write(folder.resolve("more.txt"), List.of("They asked which " + twelve + " a thing."));
        assertThatThrownBy(() -> prepare(longer, "none", sets("drop")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("dropped-contaminated-questions 1");
    }

    @Test
    void evaluationSetsThatAreNotThereOrHaveNoTextAreNamed() throws IOException {
        Path input = contaminated();
        assertThatThrownBy(() -> prepare(input, "corpus", "decontaminate: {sets: {boolq: [/nowhere/val.jsonl]}}"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("correct decontaminate.sets.boolq");
        Path brief = Files.writeString(folder.resolve("brief.txt"), "few words\n");
        assertThatThrownBy(() -> prepare(input, "corpus", "decontaminate: {sets: {boolq: ['" + brief + "']}}"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("The evaluation set boolq has no text of 13 words or more");
    }
}
