package dev.sparkswitch.tokenizer;

import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.ResourceException;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** The pieces that the last round of a unigram training left, bit for bit, so that a stopped run goes on behind it. */
public final class RoundFiles {
    private static final String LAST = "last.pieces";

    private final Configuration hadoop;
    private final Path folder;

    /** Files in {@code folder}. */
    public RoundFiles(Configuration hadoop, Path folder) {
        this.hadoop = hadoop;
        this.folder = folder;
    }

    private FileSystem files() throws IOException {
        return HadoopFiles.raw(folder.getFileSystem(hadoop));
    }

    void save(UnigramModel model) {
        try {
            HadoopFiles.replace(files(), folder, whole -> {
                try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(whole))) {
                    out.writeInt(model.size());
                    for (UnigramModel.Piece piece : model.pieces()) {
                        byte[] text = piece.text().getBytes(StandardCharsets.UTF_8);
                        out.writeInt(text.length);
                        out.write(text);
                        out.writeDouble(piece.score());
                    }
                }
                return new Path(folder, LAST);
            });
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    /** What was saved last. */
    Optional<UnigramModel> last() {
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(files().open(new Path(folder, LAST))))) {
            int size = in.readInt();
            List<UnigramModel.Piece> pieces = new ArrayList<>(size);
            for (int i = 0; i < size; i++) {
                String text = new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
                pieces.add(new UnigramModel.Piece(text, in.readDouble()));
            }
            return Optional.of(new UnigramModel(pieces));
        } catch (FileNotFoundException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    private ResourceException unusable(IOException e) {
        return new ResourceException(
                "The rounds of training cannot be kept in " + folder + " (" + e.getMessage()
                        + "); check the disk's space and your rights.",
                e);
    }
}
