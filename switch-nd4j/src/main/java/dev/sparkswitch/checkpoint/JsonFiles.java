package dev.sparkswitch.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Small JSON files beside tensors. */
final class JsonFiles {
    private static final long LARGEST = 64L << 20;
    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .build();

    private JsonFiles() {}

    /**
     * The content of a file.
     *
     * @throws UserException where it is missing or not JSON
     */
    static JsonNode read(FileSystem fileSystem, Path file) {
        return read(new HadoopFolder(fileSystem, file.getParent()), file.getName());
    }

    /** As {@link #read(FileSystem, Path)}, of a file of a folder. */
    static JsonNode read(StoredFiles files, String name) {
        String file = files.path(name);
        try (StoredFiles.Content content = files.open(name)) {
            if (content.bytes() > LARGEST) {
                throw new UserException(file + " has " + content.bytes() + " bytes, far more than such a file needs.");
            }
            byte[] bytes = new byte[(int) content.bytes()];
            content.read(0, ByteBuffer.wrap(bytes));
            return JSON.readTree(bytes);
        } catch (FileNotFoundException e) {
            throw new UserException("There is no file " + file + ": give the folder of a model.", e);
        } catch (JsonProcessingException e) {
            throw new UserException(file + " is not valid JSON: " + e.getOriginalMessage() + ".", e);
        } catch (IOException e) {
            throw new ResourceException(
                    "Cannot read " + file + " (" + e.getMessage() + "): check the path and your rights.", e);
        }
    }

    /** The text of a JSON file, with a line break at its end. */
    static byte[] bytes(JsonNode tree) {
        return (tree.toPrettyString() + "\n").getBytes(StandardCharsets.UTF_8);
    }
}
