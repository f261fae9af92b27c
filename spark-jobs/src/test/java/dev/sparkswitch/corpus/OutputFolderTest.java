package dev.sparkswitch.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputFolderTest {
    @TempDir
    Path folder;

    private OutputFolder output;

    @BeforeEach
    void startSomeWork() throws IOException {
        output = new OutputFolder(new Configuration(), new org.apache.hadoop.fs.Path(folder.toUri()));
        output.resume("this work");
        Files.writeString(folder.resolve("data/00000.arrow"), "a shard");
        Files.writeString(folder.resolve("work/note"), "a note");
    }

    @Test
    void theSameWorkGoesOnWithWhatIsThere() {
        output.resume("this work");
        assertThat(folder.resolve("data/00000.arrow")).hasContent("a shard");
        assertThat(folder.resolve("work/note")).hasContent("a note");
    }

    @Test
    void otherWorkBeginsAnew() {
        output.resume("other work");
        assertThat(folder.resolve("data")).isEmptyDirectory();
        assertThat(folder.resolve("work")).isEmptyDirectory();
    }

    @Test
    void aFinishedFolderKeepsItsDataAlone() {
        output.commit(Manifest.builder(Manifest.SHARDS).build());
        assertThat(folder.resolve("data/00000.arrow")).hasContent("a shard");
        assertThat(folder.resolve("work")).doesNotExist();
        assertThat(folder.resolve(".incomplete")).doesNotExist();
    }

    @Test
    void whatIsNotOursStays() throws IOException {
        Path other = Files.createDirectory(folder.resolve("other"));
        Files.writeString(other.resolve("letter"), "dear");
        OutputFolder taken = new OutputFolder(new Configuration(), new org.apache.hadoop.fs.Path(other.toUri()));
        assertThatThrownBy(() -> taken.resume("this work"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("holds letter but no manifest");
        assertThat(other.resolve("letter")).hasContent("dear");
    }
}
