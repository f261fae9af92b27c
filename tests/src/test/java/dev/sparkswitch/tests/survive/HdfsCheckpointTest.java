package dev.sparkswitch.tests.survive;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.checkpoint.CheckpointRef;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checkpoints on HDFS: a name node and a data node in this JVM. */
class HdfsCheckpointTest {
    @TempDir
    static Path folder;

    private static MiniDFSCluster cluster;

    @BeforeAll
    static void start() throws IOException {
        Configuration configuration = new Configuration();
        configuration.set(
                MiniDFSCluster.HDFS_MINIDFS_BASEDIR, folder.resolve("hdfs").toString());
        cluster = new MiniDFSCluster.Builder(configuration).numDataNodes(1).build();
        cluster.waitActive();
    }

    @AfterAll
    static void stop() {
        cluster.shutdown();
    }

    @Test
    void aRunThatIsCutOffGoesOnFromTheNewestSoundCheckpoint() throws IOException {
        Map<String, double[]> wanted =
                new LocalRun(folder.resolve("straight"), "steps=16").on(2).run();
        FileSystem hdfs = cluster.getFileSystem();
        AtomicBoolean cut = new AtomicBoolean();
        LocalRun run = new LocalRun(folder.resolve("on-hdfs"), "steps=16").on(2).withFiles(hdfs);
        run.withProgress(status -> {
            if (run.store().committed().size() == 2 && cut.compareAndSet(false, true)) {
                throw new ResourceException("the executor is lost");
            }
        });

        Map<String, double[]> found = run.run();

        assertThat(run.starts())
                .hasSize(2)
                .last()
                .asInstanceOf(InstanceOfAssertFactories.LONG)
                .isIn(8L, 12L);
        wanted.forEach((name, values) -> assertThat(found.get(name)).as(name).isEqualTo(values));
        CheckpointRef newest = run.store().newestValid().orElseThrow();
        assertThat(newest.step()).isEqualTo(16);
        assertThat(newest.folder().toUri().getScheme()).isEqualTo("hdfs");

        hdfs.delete(new org.apache.hadoop.fs.Path(newest.folder(), "experts-001.safetensors"), false);

        assertThat(run.store().newestValid()).map(CheckpointRef::step).contains(12L);
    }
}
