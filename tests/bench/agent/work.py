"""Text, dictionaries, objects and JSON as a Python program uses them."""
import collections
import json
import re
import sys


class Node:
    def __init__(self, key, children):
        self.key, self.children = key, children


def tree(depth, key):
    return Node(key, [tree(depth - 1, f'{key}.{i}') for i in range(3)] if depth else [])


def keys(node):
    yield node.key
    for child in node.children:
        yield from keys(child)


def main(rounds):
    for number in range(rounds):
        root = tree(6, f'root{number}')
        words = collections.Counter(part for key in keys(root) for part in key.split('.'))
        table = [{'key': key, 'length': len(key), 'parts': key.split('.')} for key in keys(root)]
        text = json.dumps(table)
        back = json.loads(text)
        found = re.findall(r'"key": "([^"]*)"', text)
        assert len(back) == len(found) and sum(words.values())
        sorted(back, key=lambda row: (row['length'], row['key']))


main(int(sys.argv[1]))
