package dev.sparkswitch.engine;

/**
 * A parameter, its gradient and its second moments, all of master type, but for the gradient, which may be of
 * {@link Engine#matrixGradientType()}. A factored parameter keeps the moments of its rows
 * and columns (the last two axes; leading axes are a batch of matrices), any other one moment an element.
 *
 * @param value the parameter
 * @param gradient of the same shape
 * @param rowMoments [.., rows] where factored, otherwise of the parameter's shape
 * @param columnMoments [.., columns] where factored, otherwise null
 */
public record AdafactorSlot(Tensor value, Tensor gradient, Tensor rowMoments, Tensor columnMoments) {
    /** Whether the second moments are factored. */
    public boolean factored() {
        return columnMoments != null;
    }
}
