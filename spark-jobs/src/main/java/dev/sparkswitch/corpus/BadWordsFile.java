package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * The words that drop a page: those of the settings and of a file.
 *
 * @param inputs the file, for the manifest
 */
record BadWordsFile(List<String> words, List<Manifest.Input> inputs) {
    /**
     * @throws UserException if there is no such file
     */
    static BadWordsFile read(Configuration hadoop, PrepareConfig.Rules rules) {
        List<String> words = new ArrayList<>(rules.badWords());
        if (rules.badWordsFile().isEmpty()) {
            return new BadWordsFile(words, List.of());
        }
        Path path = new Path(rules.badWordsFile());
        try (InputStream in = OutputFolder.fileSystem(hadoop, path).open(path)) {
            byte[] bytes = in.readAllBytes();
            new String(bytes, StandardCharsets.UTF_8).lines().forEach(words::add);
            CRC32C checksum = new CRC32C();
            checksum.update(bytes);
            String id = String.format("%d bytes crc32c:%08x", bytes.length, checksum.getValue());
            return new BadWordsFile(words, List.of(new Manifest.Input("bad-words", path.toString(), id)));
        } catch (IOException e) {
            throw new UserException(
                    "The file " + path + " cannot be read (" + e.getMessage() + "); correct rules.bad-words-file.", e);
        }
    }
}
