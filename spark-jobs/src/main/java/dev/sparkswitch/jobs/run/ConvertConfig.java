package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.DataSize;
import dev.sparkswitch.base.Setting;
import dev.sparkswitch.convert.FloatType;
import dev.sparkswitch.convert.ModelFormat;
import dev.sparkswitch.convert.UpcycleConfig;
import dev.sparkswitch.model.Contradictions;
import java.util.Optional;

/**
 * The settings of a conversion.
 *
 * @param from a run, a checkpoint or a Hugging Face folder
 * @param output the folder of the new model
 * @param vocabulary the folder of its vocabulary, copied beside it for transformers
 * @param format its layout
 * @param dtype its element type; empty: as stored
 * @param shardSize the size of tensors above which the model is spread over several files
 * @param longestLength the longest sequence that transformers is to run without dropping a token
 * @param upcycle what experts a dense model gets; empty for none
 * @param denseStudent whether the new model is a dense student of the Switch model in {@code from}
 * @param seed of weights that are drawn: routers, noise, a student's own layers
 * @param initScale s of the sigma = sqrt(s / fan_in) of fresh weights
 */
public record ConvertConfig(
        @Setting(help = "the model: a run, a checkpoint or a Hugging Face folder")
        String from,

        @Setting(help = "folder of the new model") String output,

        @Setting(help = "folder of the model's vocabulary, whose files go beside a hugging-face model")
        Optional<String> vocabulary,

        @Setting(
                value = "hugging-face",
                help = "layout: hugging-face for transformers; checkpoint: ours, weights alone")
        ModelFormat format,

        @Setting(help = "element type; absent: as stored") Optional<FloatType> dtype,

        @Setting(value = "5GB", help = "size of tensors above which they are spread over several files")
        DataSize shardSize,

        @Setting(value = "512", help = "longest sequence that transformers is to run without dropping a token")
        int longestLength,

        @Setting(help = "sparse upcycling: the experts that a dense model gets")
        Optional<UpcycleConfig> upcycle,

        @Setting(value = "false", help = "make a dense student: the teacher's weights without its experts")
        boolean denseStudent,

        @Setting(value = "0", help = "seed of the weights that are drawn")
        long seed,

        @Setting(value = "0.1", help = "fresh weights have sigma sqrt(init-scale / fan-in)")
        double initScale) {
    public ConvertConfig {
        Contradictions.none(found -> found.check(
                        upcycle.isEmpty() || !denseStudent,
                        "upcycle adds experts and dense-student removes them: choose one")
                .check(
                        vocabulary.isEmpty() || format == ModelFormat.HUGGING_FACE,
                        "vocabulary goes beside a model in the layout hugging-face alone")
                .atLeast(1, "longest-length", longestLength)
                .positive("init-scale", initScale));
    }
}
