// What each feature of a row adds to its prediction: exact Shapley values over an ensemble of
// trees.
//
// Interventional values against a background, after Lundberg et al., "From local explanations to
// global understanding with explainable AI for trees" (Nature Machine Intelligence 2, 2020): a
// feature outside a coalition takes its value from a row of the background, whatever the features
// inside it are, and the values are means over the background's rows. They are exact, not sampled:
// along one path of a tree only the features on which the two rows part ways matter, so one walk
// over the nodes that either row could reach gives the values of all features.
#pragma once

#include <span>
#include <vector>

#include "cost_model/cost_model.h"
#include "cost_model/tree_ensemble.h"

namespace halyard {

// One value a column, in the prediction's unit; they add up to the prediction of `row` minus the
// mean prediction of the background. A column that no tree asks for, or whose value (NaN included)
// is that of every background row, has 0. Thread-safe. REQUIRES: `row` and the background have the
// ensemble's columns, the background has a row, and the ensemble a member.
std::vector<double> ShapleyValues(const TreeEnsemble& ensemble, std::span<const float> row,
                                  const FeatureMatrix& background);

}  // namespace halyard
