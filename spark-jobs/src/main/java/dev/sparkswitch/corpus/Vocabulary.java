package dev.sparkswitch.corpus;

import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.tokenizer.HuggingFaceTokenizer;
import dev.sparkswitch.tokenizer.SentencePieceModel;
import dev.sparkswitch.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A finished vocabulary: the model file and what it is.
 *
 * @param folder where it lies
 * @param manifest its manifest
 * @param model the SentencePiece model file
 */
public record Vocabulary(Path folder, Manifest manifest, byte[] model) {
    /** The model's file name, the one that T5's checkpoints use. */
    public static final String FILE = "spiece.model";
    /** The property with the hash of the model file. */
    public static final String HASH = "vocabulary";
    /** The property with the number of ids, sentinels among them. */
    public static final String SIZE = "vocabulary-size";

    private static final int LARGEST = 256 << 20;

    /**
     * Opens the vocabulary in {@code folder}.
     *
     * @throws UserException if there is none, or if its file is damaged
     */
    public static Vocabulary open(Configuration hadoop, String folder) {
        Path path = new Path(folder);
        FileSystem files = OutputFolder.fileSystem(hadoop, path);
        Manifest manifest = Manifests.require(files, path, Manifest.VOCABULARY);
        Manifests.verify(files, path, manifest);
        Path file = manifest.files().stream()
                .map(entry -> new Path(path, entry.path()))
                .filter(entry -> entry.getName().equals(FILE))
                .findFirst()
                .orElseThrow(() -> new UserException(
                        "The vocabulary " + path + " names no " + FILE + "; run 'sparkswitch vocab' again."));
        try (InputStream in = files.open(file)) {
            byte[] model = in.readNBytes(LARGEST);
            if (!Tokenizer.hash(model).equals(manifest.property(HASH))) {
                throw Manifests.damaged(file, "its hash is " + Tokenizer.hash(model), Manifest.VOCABULARY);
            }
            return new Vocabulary(files.makeQualified(path), manifest, model);
        } catch (IOException e) {
            throw new ResourceException(
                    "The vocabulary " + file + " cannot be read (" + e.getMessage() + "); check your rights.", e);
        }
    }

    /** A tokenizer of its own for the calling thread or task, which closes it. */
    public Tokenizer tokenizer() {
        return new Tokenizer(model);
    }

    /** The hash of the model file. */
    public String hash() {
        return manifest.property(HASH);
    }

    /** The vocabulary as what the next job is made from. */
    public Manifest.Input asInput() {
        return manifest.asInput("vocabulary", folder.toString());
    }

    /**
     * Writes what transformers loads, the model file and Hugging Face's tokenizer, beside the files of a model.
     *
     * @param output a flat folder
     * @return entries for its manifest
     * @throws UserException if their library cannot express the vocabulary
     */
    public List<Manifest.Entry> copyFiles(OutputFolder output) {
        SentencePieceModel parsed = SentencePieceModel.parse(model);
        HuggingFaceTokenizer.obstacle(parsed).ifPresent(why -> {
            throw new UserException("The vocabulary " + folder + " " + why
                    + ", so that it has no tokenizer.json; leave vocabulary out.");
        });
        SortedMap<String, byte[]> files = HuggingFaceTokenizer.files(parsed);
        files.put(FILE, model);
        return write(files, output);
    }

    /** Writes files by their names and gives their entries. */
    static List<Manifest.Entry> write(SortedMap<String, byte[]> contents, OutputFolder output) {
        List<Manifest.Entry> entries = new ArrayList<>();
        contents.forEach((name, bytes) -> {
            try (OutputStream out = HadoopFiles.create(output.files(), new Path(output.folder(), name))) {
                out.write(bytes);
            } catch (IOException e) {
                throw new ResourceException(
                        "The vocabulary cannot be written to " + output.folder() + " (" + e.getMessage()
                                + "); check the disk's space and your rights.",
                        e);
            }
            entries.add(Manifests.entry(output.files(), output.folder(), name, new TreeMap<>()));
        });
        return entries;
    }
}
