package dev.sparkswitch.jobs.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.eval.task.Prompt;
import java.io.Serializable;
import org.apache.spark.sql.Row;

/**
 * What the model reads of a row of a {@link RowSource}.
 *
 * @param prompt makes a text of a row
 * @param answerColumn the field that the answer will get
 */
record RowTexts(Prompt prompt, String answerColumn) implements Serializable {
    /** Numbers stay as they were written. */
    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .build();

    /** The row's number, from 0. */
    static long number(Row row) {
        return row.getLong(row.length() - 1);
    }

    /** How many of the row's columns are its own. */
    static int own(Row row) {
        return row.length() - 2;
    }

    /**
     * The row as an object.
     *
     * @throws UserException where it is none, or has the answer's field already
     */
    ObjectNode tree(Row row) {
        long number = number(row) + 1;
        JsonNode tree;
        try {
            tree = JSON.readTree(row.getString(row.length() - 2));
        } catch (JsonProcessingException e) {
            throw new UserException(
                    "Row " + number + " of the input is no JSON (" + e.getOriginalMessage()
                            + "): correct it, or set input.format.",
                    e);
        }
        if (!(tree instanceof ObjectNode object)) {
            throw new UserException(
                    "Row " + number + " of the input is no JSON object: correct it, or set input.format.");
        }
        if (object.has(answerColumn)) {
            throw new UserException("Row " + number + " of the input has a field '" + answerColumn
                    + "' already: name another answer-column.");
        }
        return object;
    }

    /**
     * The question that the row is.
     *
     * @throws UserException where a field is missing or empty
     */
    Answerer.Question question(Row row, ObjectNode tree) {
        return new Answerer.Question(number(row), prompt.fill(tree, number(row) + 1));
    }
}
