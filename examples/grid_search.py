"""Which network, and how many epochs? scikit-learn's grid search over pellucid's classifier, on 8x8 digits.

python examples/grid_search.py          needs: pip install 'pellucid[sklearn]'
"""

from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split

from pellucid import ImageClassifier

X, y = load_digits(return_X_y=True)  # 1,797 rows of 64 values, 0 to 16
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

search = GridSearchCV(
    ImageClassifier(shape=(8, 8)),
    {
        "network": ["flatten, dense 10", "conv 16 3x3 pad 1, relu, maxpool 2, flatten, dense 10"],
        "epochs": [3, 10],
    },
    cv=3,
)
search.fit(X_train, y_train)
for settings, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True):
    print(f"{score:.2%}  {settings['epochs']:>2} epochs of {settings['network']}")
print(f"{search.score(X_test, y_test):.2%} of {len(X_test)} pictures kept aside")
