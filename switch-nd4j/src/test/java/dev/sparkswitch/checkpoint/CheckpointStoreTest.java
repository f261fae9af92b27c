package dev.sparkswitch.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.ParameterSpec;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.Role;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.T5Config;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.TreeMap;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointStoreTest {
    private static final T5Config CONFIG = T5Config.builder()
            .vocabularySize(32)
            .modelSize(8)
            .keySize(4)
            .feedForwardSize(16)
            .heads(2)
            .encoderLayers(2)
            .decoderLayers(2)
            .sparse(SwitchConfig.of(4, 1, 1, CapacityConfig.group(2, 1.25, 2, 4)))
            .build();

    @TempDir
    Path folder;

    private CheckpointStore store;

    @BeforeEach
    void openStore() {
        store = new CheckpointStore(Tensors.local(), Tensors.hadoop(folder.resolve("checkpoints")));
    }

    @Test
    void anEmptyStoreHasNoCheckpoint() {
        assertThat(store.newestValid()).isEmpty();
        assertThat(store.committed()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void whatAnyNumberOfRanksWriteIsReadByName(int ranks) {
        TreeMap<String, String> values = new TreeMap<>();
        values.put("skipped-batches", "[12]");
        CheckpointState state = new CheckpointState(300, 9600, -7L, OptionalDouble.of(2.5), values);
        CheckpointRef ref = save(state, 0, ranks, 99);

        assertThat(ref.folder().getName()).isEqualTo("step-00000300-a0");
        try (Checkpoint checkpoint = store.load(store.newestValid().orElseThrow())) {
            assertThat(checkpoint.config()).isEqualTo(CONFIG);
            assertThat(checkpoint.state()).isEqualTo(state);
            assertThat(checkpoint.manifest().seed()).isEqualTo(-7);
            assertThat(checkpoint.manifest().counts())
                    .containsEntry("step", 300L)
                    .containsEntry("next-row", 9600L)
                    .containsEntry("parameters", ParameterSpecs.count(CONFIG));
            for (ParameterSpec spec : ParameterSpecs.of(CONFIG)) {
                assertThat(checkpoint.parameters().floats(spec.name())).isEqualTo(values(spec, 99));
                assertThat(checkpoint.optimizer().floats(spec.name() + "/v")).isEqualTo(values(spec, 100));
            }
        }
    }

    @Test
    void theSameStateGivesTheSameFiles() throws IOException {
        save(new CheckpointState(10, 20, 1), 0, 2, 5);
        save(new CheckpointState(10, 20, 1), 1, 2, 5);

        List<CheckpointRef> refs = store.committed();
        assertThat(refs.get(0).manifest().files())
                .isEqualTo(refs.get(1).manifest().files());
        assertThat(refs.get(0).manifest().id()).isEqualTo(refs.get(1).manifest().id());
    }

    @Test
    void aCheckpointWithoutManifestIsInvisible() {
        save(new CheckpointState(100, 1, 1), 0, 1, 1);
        CheckpointWriter writer = store.begin(200, 0);
        writer.add(CheckpointFiles.DENSE, Tensors.random(CONFIG, 1));

        assertThat(store.newestValid().orElseThrow().step()).isEqualTo(100);
        assertThatThrownBy(() -> Checkpoint.open(Tensors.local(), writer.folder()))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("missing or unfinished");
    }

    @ParameterizedTest
    @ValueSource(strings = {"experts-001.safetensors", "optimizer-dense.safetensors", "config.json", "state.json"})
    void aDamagedCheckpointIsSkippedForTheOneBefore(String name) throws IOException {
        save(new CheckpointState(100, 1, 1), 0, 2, 1);
        CheckpointRef newest = save(new CheckpointState(200, 2, 1), 0, 2, 2);
        Path file = Path.of(newest.folder().toUri().getPath(), name);
        byte[] content = Files.readAllBytes(file);
        content[content.length / 2] ^= 1;
        Files.write(file, content);

        assertThat(store.newestValid().orElseThrow().step()).isEqualTo(100);

        Files.write(file, java.util.Arrays.copyOf(content, content.length - 1));
        assertThat(store.newestValid().orElseThrow().step()).isEqualTo(100);

        Files.delete(file);
        assertThat(store.newestValid().orElseThrow().step()).isEqualTo(100);
    }

    @Test
    void aDamagedManifestIsSkippedToo() throws IOException {
        save(new CheckpointState(100, 1, 1), 0, 1, 1);
        CheckpointRef newest = save(new CheckpointState(200, 2, 1), 0, 1, 2);
        Path manifest = Path.of(newest.folder().toUri().getPath(), "manifest.json");
        Files.writeString(manifest, Files.readString(manifest).substring(100));

        assertThat(store.newestValid().orElseThrow().step()).isEqualTo(100);
    }

    @Test
    void aRunGoesBackBehindAGivenStep() {
        save(new CheckpointState(100, 1, 1), 0, 1, 1);
        save(new CheckpointState(200, 2, 1), 0, 1, 2);

        assertThat(store.newestValid(199).orElseThrow().step()).isEqualTo(100);
        assertThat(store.newestValid(99)).isEmpty();
    }

    @Test
    void attemptsHaveNumbersAboveAllEarlierOnes() {
        assertThat(store.startAttempt()).isZero();
        assertThat(store.startAttempt()).isEqualTo(1);
        save(new CheckpointState(100, 1, 1), 7, 1, 1);

        assertThat(store.startAttempt()).isEqualTo(8);
        assertThat(new CheckpointStore(Tensors.local(), Tensors.hadoop(folder.resolve("checkpoints"))).startAttempt())
                .isEqualTo(9);
    }

    @Test
    void aWriterOfAnEarlierAttemptCannotCommit() {
        int first = store.startAttempt();
        CheckpointWriter late = store.begin(300, first);
        List<Manifest.Entry> entries = write(late, 0, 1, 1);
        int second = store.startAttempt();
        save(new CheckpointState(200, 2, 1), second, 1, 2);

        assertThatThrownBy(() -> store.commit(late, CONFIG, new CheckpointState(300, 3, 1), provenance(1), entries))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("Attempt 1 of this run has begun")
                .hasMessageContaining("step 300 by attempt 0 is not kept");
        assertThat(store.newestValid().orElseThrow().step()).isEqualTo(200);
    }

    @Test
    void whatALaterAttemptCommitsIsNewerWhateverItsStep() {
        save(new CheckpointState(300, 3, 1), 0, 1, 1);
        save(new CheckpointState(250, 2, 1), 1, 1, 2);

        assertThat(store.newestValid().orElseThrow().step()).isEqualTo(250);
    }

    @Test
    void twoAttemptsThatWriteOneStepDoNotMeet() {
        CheckpointWriter late = store.begin(300, 0);
        CheckpointRef ref = save(new CheckpointState(300, 3, 1), 1, 2, 2);
        write(late, 0, 2, 1);

        try (Checkpoint checkpoint = store.load(store.newestValid().orElseThrow())) {
            ParameterSpec first = ParameterSpecs.of(CONFIG).get(0);
            assertThat(store.newestValid().orElseThrow().folder()).isEqualTo(ref.folder());
            assertThat(checkpoint.parameters().floats(first.name())).isEqualTo(values(first, 2));
        }
    }

    @Test
    void theNewestAndTheBestAreKept() throws IOException {
        double[] scores = {3.0, 2.0, 2.5, 2.75, 2.8};
        for (int i = 0; i < scores.length; i++) {
            save(new CheckpointState(i, i, 1, OptionalDouble.of(scores[i]), new TreeMap<>()), 1, 1, i);
        }
        Files.createDirectories(folder.resolve("checkpoints/step-00000001-a0"));
        Files.createDirectories(folder.resolve("checkpoints/step-00000009-a1"));
        Files.createDirectories(folder.resolve("checkpoints/notes"));

        store.retain(new Retention(2, 1), 1);

        assertThat(store.committed()).extracting(CheckpointRef::step).containsExactly(4L, 3L, 1L);
        assertThat(folder.resolve("checkpoints/step-00000001-a0")).doesNotExist();
        assertThat(folder.resolve("checkpoints/step-00000009-a1"))
                .as("this attempt may still be writing it")
                .exists();
        assertThat(folder.resolve("checkpoints/notes")).exists();
        assertThat(store.newestValid().orElseThrow().step()).isEqualTo(4);
    }

    @Test
    void anEarlierAttemptsRetentionLeavesLaterCheckpointsAlone() {
        save(new CheckpointState(100, 1, 1), 0, 1, 1);
        save(new CheckpointState(200, 1, 1), 1, 1, 1);
        save(new CheckpointState(300, 1, 1), 1, 1, 1);

        store.retain(new Retention(1, 0), 0);

        assertThat(store.committed()).extracting(CheckpointRef::step).containsExactly(300L, 200L);
    }

    @Test
    void oneRanksExpertsSavedAsEveryonesAreRefused() {
        CheckpointWriter writer = store.begin(100, 0);
        List<Manifest.Entry> entries = new ArrayList<>(write(writer, 0, 2, 1));
        entries.addAll(write(store.begin(100, 0), 1, 2, 1).subList(0, 0));

        assertThatThrownBy(() -> store.commit(writer, CONFIG, new CheckpointState(100, 1, 1), provenance(1), entries))
                .isInstanceOf(InternalException.class)
                .hasMessageContaining("one rank's experts are missing or written twice");
        List<Manifest.Entry> twice = new ArrayList<>(entries);
        twice.addAll(entries);
        assertThatThrownBy(() -> store.commit(writer, CONFIG, new CheckpointState(100, 1, 1), provenance(1), twice))
                .isInstanceOf(InternalException.class)
                .hasMessageContaining("Two ranks wrote");
    }

    @Test
    void aRankThatDidNotFinishIsNamed() {
        CheckpointWriter writer = store.begin(100, 0);
        write(writer, 0, 2, 1);
        writer.announce(0);

        assertThatThrownBy(() -> writer.announced(2))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("Rank 1 did not finish");
    }

    @Test
    void anAttemptCommitsAStepOnce() {
        save(new CheckpointState(100, 1, 1), 0, 1, 1);

        assertThatThrownBy(() -> store.begin(100, 0))
                .isInstanceOf(InternalException.class)
                .hasMessageContaining("committed already");
    }

    @Test
    void aFullDiskEndsInOneClearErrorAndLeavesTheCheckpointBefore() throws IOException {
        Path full = Path.of("/dev/full");
        Assumptions.assumeTrue(Files.exists(full), "this system has no /dev/full");
        save(new CheckpointState(100, 1, 1), 0, 1, 1);
        CheckpointWriter writer = store.begin(200, 0);
        Path unfinished =
                Files.createDirectories(Path.of(writer.folder().toUri().getPath()));
        Files.createSymbolicLink(unfinished.resolve(CheckpointFiles.DENSE), full);

        assertThatThrownBy(() -> writer.add(CheckpointFiles.DENSE, Tensors.random(CONFIG, 1)))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("No space left on device")
                .hasMessageContaining("check the disk's space");
        assertThat(store.newestValid().orElseThrow().step()).isEqualTo(100);
    }

    @Test
    void aModelIsOpenedFromWhateverHoldsIt() throws IOException {
        CheckpointRef ref = save(new CheckpointState(100, 1, 1), 0, 2, 1);
        for (org.apache.hadoop.fs.Path path : List.of(ref.folder(), ref.folder().getParent())) {
            try (ModelSource model = ModelSource.open(Tensors.local(), path)) {
                assertThat(model.config()).isEqualTo(CONFIG);
                assertThat(model.parameters().tensors())
                        .hasSize(ParameterSpecs.of(CONFIG).size());
            }
        }
        try (ModelSource model = ModelSource.open(Tensors.local(), Tensors.hadoop(Tensors.modelFolder("t5-tiny")))) {
            assertThat(model.config().sparse()).isEmpty();
        }
        assertThatThrownBy(() -> ModelSource.open(Tensors.local(), Tensors.hadoop(folder.resolve("none"))))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("holds no model");
    }

    private CheckpointRef save(CheckpointState state, int attempt, int ranks, long seed) {
        List<CheckpointWriter> writers = new ArrayList<>();
        for (int rank = 0; rank < ranks; rank++) {
            CheckpointWriter writer = store.begin(state.step(), attempt);
            write(writer, rank, ranks, seed);
            writer.announce(rank);
            writers.add(writer);
        }
        return store.commit(
                writers.get(0),
                CONFIG,
                state,
                provenance(state.seed()),
                writers.get(0).announced(ranks));
    }

    private static Manifest.Builder provenance(long seed) {
        return Manifest.builder(Manifest.CHECKPOINT)
                .seed(seed)
                .config(JsonNodeFactory.instance.objectNode().put("rate", 0.01))
                .input("shards", "/lake/shards", "sha256:00");
    }

    /** What rank {@code rank} of {@code ranks} writes: its block of the experts, and rank 0 everything dense. */
    private static List<Manifest.Entry> write(CheckpointWriter writer, int rank, int ranks, long seed) {
        int block = CONFIG.sparse().orElseThrow().experts() / ranks;
        List<ParameterSpec> dense = new ArrayList<>();
        List<ParameterSpec> experts = new ArrayList<>();
        for (ParameterSpec spec : ParameterSpecs.of(CONFIG)) {
            if (spec.role() != Role.EXPERT) {
                dense.add(spec);
            } else if (spec.expert() / block == rank) {
                experts.add(spec);
            }
        }
        List<Manifest.Entry> entries = new ArrayList<>();
        entries.add(writer.add(CheckpointFiles.experts(rank), sources(experts, "", seed)));
        entries.add(writer.add(CheckpointFiles.optimizerExperts(rank), sources(experts, "/v", seed + 1)));
        if (rank == 0) {
            entries.add(writer.add(CheckpointFiles.DENSE, sources(dense, "", seed)));
            entries.add(writer.add(CheckpointFiles.OPTIMIZER_DENSE, sources(dense, "/v", seed + 1)));
        }
        return entries;
    }

    private static List<TensorSource> sources(List<ParameterSpec> specs, String suffix, long seed) {
        return specs.stream()
                .map(spec -> Tensors.random(spec, seed).renamed(spec.name() + suffix))
                .toList();
    }

    private static float[] values(ParameterSpec spec, long seed) {
        return Tensors.randomValues(spec, seed);
    }
}
