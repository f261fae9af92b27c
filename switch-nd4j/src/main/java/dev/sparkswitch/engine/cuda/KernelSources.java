package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.engine.DType;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The modules of kernels: resources beside this class, each compiled as one text with the common ones before it. */
final class KernelSources {
    /** A line that stands for another file beside it. */
    private static final Pattern INCLUDE = Pattern.compile("#include \"([^\"]+)\"");

    private static final List<String> COMMON = List.of("common.cuh", "mma.cuh", "rows.cuh");

    private KernelSources() {}

    /** The whole text of a module, with line directives that name its files. */
    static String text(String module, DType compute) {
        StringBuilder text = new StringBuilder();
        text.append("#define ").append(definition(compute)).append(" 1\n");
        for (String file : COMMON) {
            append(text, file);
        }
        append(text, module + ".cu");
        return text.toString();
    }

    private static String definition(DType compute) {
        return switch (compute) {
            case FLOAT32 -> "COMPUTE_FLOAT32";
            case BFLOAT16 -> "COMPUTE_BF16";
            case FLOAT64, INT32, INT64 -> throw new IllegalArgumentException("no kernels compute in " + compute);
        };
    }

    private static void append(StringBuilder text, String file) {
        text.append("#line 1 \"").append(file).append("\"\n");
        int line = 0;
        for (String content : read(file).split("\n", -1)) {
            line++;
            Matcher include = INCLUDE.matcher(content);
            if (include.matches()) {
                append(text, include.group(1));
                text.append("#line ")
                        .append(line + 1)
                        .append(" \"")
                        .append(file)
                        .append("\"\n");
            } else {
                text.append(content).append('\n');
            }
        }
    }

    private static String read(String file) {
        try (InputStream in = KernelSources.class.getResourceAsStream(file)) {
            if (in == null) {
                throw new InternalException("the kernels' file " + file + " is missing from the jar");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new InternalException("the kernels' file " + file + " cannot be read", e);
        }
    }
}
