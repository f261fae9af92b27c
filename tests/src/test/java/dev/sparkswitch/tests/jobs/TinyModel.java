package dev.sparkswitch.tests.jobs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A Switch Transformer small enough to train in a moment. */
public final class TinyModel {
    private TinyModel() {}

    /** Writes its configuration to a file in {@code folder}. */
    public static Path write(Path folder) throws IOException {
        return Files.writeString(folder.resolve("tiny.yaml"), """
                vocabulary-size: 128
                model-size: 32
                key-size: 8
                heads: 4
                feed-forward-size: 64
                encoder-layers: 2
                decoder-layers: 2
                sparse:
                  experts: 4
                  sparse-encoder-layers: 1
                  sparse-decoder-layers: 1
                  capacity:
                    mode: group
                    group-rows: 2
                """);
    }
}
