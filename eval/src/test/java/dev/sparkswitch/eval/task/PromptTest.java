package dev.sparkswitch.eval.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.UserException;
import java.io.IOException;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PromptTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static JsonNode row(String json) throws IOException {
        return JSON.readTree(json);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "plain | a b",
                "summarize | summarize: a b",
                "chat | user: a b assistant:",
                "translate-english-to-german | translate English to German: a b",
                "question | question: who? context: me",
                "<{text}>, {n} | <a b>, 3",
                "{{{text}}} {{x}} | {a b} {x}",
                "{list} | [1,\"two\"]"
            })
    void aRowBecomesAText(String prompt, String text) throws IOException {
        JsonNode row = row(
                "{\"text\": \"a b\", \"question\": \"who?\", \"context\": \"me\", \"n\": 3, \"list\": [1, \"two\"]}");
        assertThat(Prompt.of(prompt).fill(row, 1)).isEqualTo(text);
    }

    /** What stands in a field is never read as a template. */
    @Property
    void fieldsAreTakenAsTheyAre(@ForAll String text) {
        Assume.that(!text.isBlank());
        JsonNode row = JSON.createObjectNode().put("a", text).put("b", "c");
        assertThat(Prompt.of("<{a}|{b}>").fill(row, 1)).isEqualTo("<" + text + "|c>");
    }

    @Test
    void fieldsAreThoseOfTheTemplate() {
        assertThat(Prompt.of("{b} {a} {b} {{c}}").fields()).containsExactly("b", "a");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "summarise", "translate-english", "{{text}}"})
    void whatHasNoFieldIsNoPrompt(String prompt) {
        assertThatThrownBy(() -> Prompt.of(prompt))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("prompt '" + prompt + "' has no {field}");
    }

    @ParameterizedTest
    @CsvSource({"{text, '{', 1", "a {} b, '{', 3", "text}, '}', 5"})
    void bracesThatDoNotCloseArePointedAt(String prompt, String brace, int at) {
        assertThatThrownBy(() -> Prompt.of(prompt))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("has a '" + brace + "' at character " + at);
    }

    @Test
    void missingAndEmptyFieldsAreNamedWithTheirRow() {
        Prompt prompt = Prompt.of("{question}");
        assertThatThrownBy(() -> prompt.fill(row("{\"id\": 1, \"text\": \"x\"}"), 17))
                .hasMessage("Row 17 of the input has no field 'question', only id, text: correct prompt or the row.");
        for (String empty : new String[] {"null", "\"\"", "\" \\n\""}) {
            assertThatThrownBy(() -> prompt.fill(row("{\"question\": " + empty + "}"), 17))
                    .hasMessage("Row 17 of the input has an empty field 'question': fill it, or take the row out.");
        }
    }
}
