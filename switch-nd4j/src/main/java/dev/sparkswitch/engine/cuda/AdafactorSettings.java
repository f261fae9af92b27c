package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.AdafactorStep;

/** An {@link AdafactorStep} as kernels take it. */
record AdafactorSettings(
        float learningRate, float decay, float fresh, float epsilon1, float epsilon2, float clip, boolean relative) {
    static AdafactorSettings of(AdafactorStep step) {
        boolean relative =
                switch (step.scaling()) {
                    case PARAMETER -> true;
                    case NONE -> false;
                };
        return new AdafactorSettings(
                (float) step.learningRate(),
                (float) step.decay(),
                (float) (1 - step.decay()),
                (float) step.epsilon1(),
                (float) step.epsilon2(),
                (float) step.clip(),
                relative);
    }
}
