package dev.sparkswitch.tests.engine;

import dev.sparkswitch.engine.AdafactorStep;

/** Adafactor (Shazeer and Stern 2018, algorithms 4 and 5, without momentum) of one parameter, in float64. */
final class ReferenceAdafactor {
    /** What second moments are kept. */
    enum Moments {
        EACH,
        FACTORED
    }

    private final double[] value;
    private final int matrices;
    private final int rows;
    private final int columns;
    private final double[] rowMoments;
    private final double[] columnMoments;

    ReferenceAdafactor(double[] value, int matrices, int rows, int columns, Moments form) {
        this.value = value;
        this.matrices = matrices;
        this.rows = rows;
        this.columns = columns;
        this.rowMoments = new double[form == Moments.FACTORED ? matrices * rows : value.length];
        this.columnMoments = form == Moments.FACTORED ? new double[matrices * columns] : null;
    }

    double[] value() {
        return value;
    }

    double[] rowMoments() {
        return rowMoments;
    }

    double[] columnMoments() {
        return columnMoments;
    }

    private static double rootMeanSquare(double[] values) {
        double sum = 0;
        for (double value : values) {
            sum += value * value;
        }
        return Math.sqrt(sum / values.length);
    }

    void step(AdafactorStep step, double[] gradient) {
        double[] moments = columnMoments == null ? each(step, gradient) : factored(step, gradient);
        double[] update = new double[value.length];
        for (int i = 0; i < update.length; i++) {
            update[i] = gradient[i] / Math.sqrt(moments[i]);
        }
        double clip = Math.max(1, rootMeanSquare(update) / step.clip());
        double rate = step.learningRate() * Math.max(step.epsilon2(), rootMeanSquare(value));
        for (int i = 0; i < update.length; i++) {
            value[i] -= rate * update[i] / clip;
        }
    }

    private double[] each(AdafactorStep step, double[] gradient) {
        for (int i = 0; i < gradient.length; i++) {
            double square = gradient[i] * gradient[i] + step.epsilon1();
            rowMoments[i] = step.decay() * rowMoments[i] + (1 - step.decay()) * square;
        }
        return rowMoments;
    }

    private double[] factored(AdafactorStep step, double[] gradient) {
        double[] moments = new double[gradient.length];
        for (int m = 0; m < matrices; m++) {
            double[] ofRows = new double[rows];
            double[] ofColumns = new double[columns];
            for (int r = 0; r < rows; r++) {
                for (int c = 0; c < columns; c++) {
                    double g = gradient[(m * rows + r) * columns + c];
                    ofRows[r] += (g * g + step.epsilon1()) / columns;
                    ofColumns[c] += (g * g + step.epsilon1()) / rows;
                }
            }
            double mean = 0;
            for (int r = 0; r < rows; r++) {
                int at = m * rows + r;
                rowMoments[at] = step.decay() * rowMoments[at] + (1 - step.decay()) * ofRows[r];
                mean += rowMoments[at] / rows;
            }
            for (int c = 0; c < columns; c++) {
                int at = m * columns + c;
                columnMoments[at] = step.decay() * columnMoments[at] + (1 - step.decay()) * ofColumns[c];
            }
            for (int r = 0; r < rows; r++) {
                for (int c = 0; c < columns; c++) {
                    moments[(m * rows + r) * columns + c] =
                            rowMoments[m * rows + r] * columnMoments[m * columns + c] / mean;
                }
            }
        }
        return moments;
    }
}
