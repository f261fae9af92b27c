package dev.sparkswitch.model;

import dev.sparkswitch.engine.Tensor;

/**
 * One named parameter as this rank holds it.
 *
 * @param spec its name, shape and role
 * @param value a view of its values, master type
 * @param gradient a view of its gradient, master type
 */
public record Parameter(ParameterSpec spec, Tensor value, Tensor gradient) {}
